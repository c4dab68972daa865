"""A streamed answer that gives back what it holds, whether it was sent whole, broke off, or lost its client."""

from collections.abc import Callable, Iterable, Mapping

import anyio
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send


class ClosingStream(StreamingResponse):
    """Streams `chunks`, which may block, in the thread pool, and calls `close` there at the end."""

    def __init__(
        self,
        chunks: Iterable[bytes],
        close: Callable[[], None],
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(chunks, media_type=media_type, headers=headers)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._close)
