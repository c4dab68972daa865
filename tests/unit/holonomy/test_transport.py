"""The network as it is: proxies, silence, and connections that break."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from holonomy import Client, Unconfigured, Unreachable
from holonomy.transport import Call, HttpTransport
from tests.support.fake_service import FakeService


@contextmanager
def answering(raw: bytes, *, close: bool) -> Iterator[str]:
    """A server that reads one request, sends these bytes, and hangs up or falls silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(raw)
            if not close:
                done.wait(10)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()


def read(url: str, seconds: float = 5.0) -> bytes:
    with HttpTransport(url, None).send(Call("GET", "/", read_seconds=seconds)) as reply:
        return reply.read()


def test_a_proxy_of_the_environment_is_not_asked_for_the_loopback(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Client().status().version == "0"


def test_silence_comes_to_an_end() -> None:
    with answering(b"", close=False) as url, pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
        read(url, 0.2)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"not http\r\n\r\n"])
def test_a_connection_that_breaks_is_one_line(raw: bytes) -> None:
    with answering(raw, close=True) as url, pytest.raises(Unreachable, match=f"the connection to {url} broke"):
        read(url)


def test_only_a_refused_connection_is_known_not_to_have_been_sent() -> None:
    with pytest.raises(Unreachable) as refused:
        read("http://127.0.0.1:1")
    assert not refused.value.sent
    with answering(b"", close=True) as url, pytest.raises(Unreachable) as broken:
        read(url)
    assert broken.value.sent


@pytest.mark.parametrize("url", ["localhost:80", "ftp://host", "http://", "http://host:port"])
def test_an_address_is_checked(url: str) -> None:
    with pytest.raises(Unconfigured):
        HttpTransport(url, None)
