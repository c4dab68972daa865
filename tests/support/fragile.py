"""A transport on which something happens after so many bytes: a broken connection, or the end of the process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holonomy.transport import Call, HttpTransport, Reply


class Fragile:
    """Passes calls on, and counts bytes of streamed answers and, in place of bytes, each file that is sent."""

    def __init__(self, inner: HttpTransport, after: int, happen: Callable[[], None]) -> None:
        self._inner = inner
        self.left = after
        self._happen = happen

    @contextmanager
    def send(self, call: Call) -> Iterator[Reply]:
        if call.method == "PUT":
            self.spend(1)
        with self._inner.send(call) as reply:
            yield _Counted(reply, self)

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            self._happen()


class _Counted:
    def __init__(self, reply: Reply, transport: Fragile) -> None:
        self._reply, self._transport = reply, transport
        self.status, self.headers, self.read, self.lines = reply.status, reply.headers, reply.read, reply.lines

    def chunks(self) -> Iterator[bytes]:
        for chunk in self._reply.chunks():
            for start in range(0, len(chunk), 1024):
                piece = chunk[start : start + 1024]
                self._transport.spend(len(piece))
                yield piece
