"""The seam between the client and the network: one method that sends a call and gives its reply.

Everything above it is independent of the HTTP library; a test or a gateway can put another transport in its place.
"""

import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Protocol

from holonomy.errors import Unconfigured, Unreachable

if TYPE_CHECKING:
    import httpx2

Method = Literal["GET", "POST", "PUT", "DELETE"]
CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Call:
    """One request: a path below the service's address, and what goes with it."""

    method: Method
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Path | None = None
    """Bytes, or a file that is sent as it is read."""
    read_seconds: float = READ_SECONDS


class Reply(Protocol):
    """An answer whose body has not been read yet."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields; names compare without regard to case."""

    def read(self) -> bytes:
        """The whole body."""

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces, as they arrive."""

    def lines(self) -> Iterator[str]:
        """The body in lines, as they arrive."""


class Transport(Protocol):
    """Sends calls. Safe to use from several threads."""

    def send(self, call: Call) -> AbstractContextManager[Reply]:
        """Send a call; leaving the context closes the reply.

        Raises:
            Unreachable: there was no answer, or it broke off while it was read inside the context.
        """


class HttpTransport:
    """Calls over HTTP, on kept-alive connections."""

    def __init__(self, url: str, token: str | None) -> None:
        import httpx2

        self.url = url.rstrip("/")
        try:
            host = httpx2.URL(self.url).host
        except httpx2.InvalidURL as error:
            raise Unconfigured(f"{url!r} is not an address: {error}. Set HOLONOMY_URL to http://HOST:PORT") from None
        if not self.url.startswith(("http://", "https://")) or not host:
            raise Unconfigured(f"the address of the service is http://HOST:PORT or https://…; came {url!r}")
        self._http = httpx2.Client(
            base_url=self.url,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            # A proxy of the environment cannot reach a server on this machine's loopback.
            trust_env=host not in _LOOPBACK,
        )
        # Handles outlive the client that made them; the last of them to go closes the connections.
        weakref.finalize(self, self._http.close)

    @contextmanager
    def send(self, call: Call) -> Iterator[Reply]:
        """Send a call; leaving the context closes the reply."""
        import httpx2

        sent = False
        try:
            with (
                _body(call.content) as body,
                self._http.stream(
                    call.method,
                    call.path,
                    params=call.query,
                    headers=dict(call.headers),
                    content=body,
                    timeout=httpx2.Timeout(call.read_seconds, connect=CONNECT_SECONDS),
                ) as response,
            ):
                sent = True
                yield _HttpReply(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Unreachable(
                f"no Holonomy service answers at {self.url} ({_reason(error)}): is it up? `holonomy status` tells",
                sent=sent,
            ) from None
        except httpx2.TimeoutException:
            raise Unreachable(f"{self.url} did not answer within {call.read_seconds:g} s") from None
        except httpx2.TransportError as error:
            raise Unreachable(f"the connection to {self.url} broke ({_reason(error)})") from None

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()


def _body(content: bytes | Path | None) -> AbstractContextManager[bytes | IO[bytes] | None]:
    return content.open("rb") if isinstance(content, Path) else nullcontext(content)


class _HttpReply:
    def __init__(self, response: "httpx2.Response") -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    def read(self) -> bytes:
        return self._response.read()

    def chunks(self) -> Iterator[bytes]:
        return self._response.iter_bytes(1 << 20)

    def lines(self) -> Iterator[str]:
        return self._response.iter_lines()


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
