"""A limit on request bodies, enforced before and while they are read, so that none is ever held in memory whole.

A request that announces too much is refused at once. One that does not (chunked encoding) is refused when the count
passes the limit; the server then discards what the client still sends.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.datasets import MAX_SHARD_BYTES
from service.api import problems
from service.api.context import request_id_of

MAX_JSON_BYTES = 2**20
SHARDS_PATH = "/v1/datasets/shards/"


def limit_of(scope: Scope) -> int:
    """Largest body of a request, in bytes."""
    uploads = scope["method"] == "PUT" and scope["path"].startswith(SHARDS_PATH)
    return MAX_SHARD_BYTES if uploads else MAX_JSON_BYTES


class BodyLimit:
    """ASGI middleware that answers 413 to bodies over the limit of their route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = limit_of(scope)
        announced = _content_length(scope)
        if announced is not None and announced > limit:
            error = _too_large(limit, f"{announced:,} bytes were announced")
            await problems.response(error, request_id_of(scope))(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > limit:
                    raise _too_large(limit, "more came")
            return message

        await self._app(scope, counted, send)


def _too_large(limit: int, came: str) -> problems.ProblemError:
    return problems.ProblemError("body_too_large", f"the body may hold up to {limit:,} bytes here; {came}")


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None
