"""The watch over what a dispatcher stands on."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from service.db.engine import connect
from service.dispatcher.database import Database
from service.dispatcher.options import Options
from service.dispatcher.watch import Watch
from service.embedded.ports import free_port


@pytest.fixture
def head() -> Iterator[str]:
    """The address of something that accepts connections and never says a word, as a head that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def _gives_up(address: str, turned_seconds_ago: float) -> bool:
    """Whether the watch gives up at its first probe or the next."""
    gone = threading.Event()
    database = Database(connect("postgresql://nobody@127.0.0.1:1/none"))
    turned = time.monotonic() - turned_seconds_ago
    watch = Watch(address, database, Options(hang_seconds=60, ray_failures=1), gone.set, lambda: turned)
    watch.start()
    found = gone.wait(3.0)
    watch.stop()
    watch.join()
    return found


def test_a_head_that_answers_is_left_alone(head: str) -> None:
    assert not _gives_up(head, turned_seconds_ago=1)


def test_a_head_that_is_gone_is_told() -> None:
    assert _gives_up(f"127.0.0.1:{free_port()}", turned_seconds_ago=1)


def test_a_call_that_does_not_return_is_told(head: str) -> None:
    assert _gives_up(head, turned_seconds_ago=61)
