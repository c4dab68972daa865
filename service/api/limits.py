"""A limit on request bodies, enforced before and while they are read, so that none is ever held in memory whole.

A request that announces too much is refused at once. One that does not (chunked encoding) is refused when the count
passes the limit; the server then discards what the client still sends. A body that trickles in is refused as well:
each would hold a connection, and what has come of it, for as long as its sender likes.
"""

import time

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.datasets import MAX_SHARD_BYTES
from service.api import problems
from service.api.context import request_id_of

MAX_JSON_BYTES = 2**20
JSON_SECONDS, SHARD_SECONDS = 30.0, 600.0
"""How long a body may take to arrive."""
UPLOAD_PATHS = ("/v1/datasets/shards/", "/v1/datasets/tokenizers/")
IMPORT_PATH, IMPORTED_FILE_PATH = "/v1/imports/", "/v1/imports/files/"
MAX_IMPORT_BYTES, IMPORT_SECONDS = 64 * 2**20, 300.0
"""Of the description of an imported job: every object that it stored is listed there."""
MAX_FILE_BYTES, FILE_SECONDS = 2**40, 24 * 3600.0
"""Of a file of an export, which goes to disk as it comes."""


def limits_of(scope: Scope) -> tuple[int, float]:
    """Largest body of a request, in bytes, and how many seconds it may take."""
    path = scope["path"]
    if scope["method"] == "PUT" and path.startswith(IMPORTED_FILE_PATH):
        return MAX_FILE_BYTES, FILE_SECONDS
    if scope["method"] == "PUT" and path.startswith(UPLOAD_PATHS):
        return MAX_SHARD_BYTES, SHARD_SECONDS
    return (MAX_IMPORT_BYTES, IMPORT_SECONDS) if path.startswith(IMPORT_PATH) else (MAX_JSON_BYTES, JSON_SECONDS)


class BodyLimit:
    """ASGI middleware that answers 413 to bodies over the limit of their route, and 400 to those that never end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, seconds = limits_of(scope)
        announced = _content_length(scope)
        if announced is not None and announced > limit:
            error = _too_large(limit, f"{announced:,} bytes were announced")
            await problems.response(error, request_id_of(scope))(scope, receive, send)
            return
        read, complete = 0, False
        deadline = time.monotonic() + seconds

        async def counted() -> Message:
            nonlocal read, complete
            # What comes after the body is the client's leaving, for which there is all the time in the world.
            message = await (receive() if complete else _in_time(receive, deadline, seconds))
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if read > limit:
                    raise _too_large(limit, "more came")
            return message

        await self._app(scope, counted, send)


async def _in_time(receive: Receive, deadline: float, seconds: float) -> Message:
    try:
        with anyio.fail_after(max(0.0, deadline - time.monotonic())):
            return await receive()
    except TimeoutError:
        # Closed, or the rest of the body would still be waited for.
        raise problems.ProblemError(
            "malformed", f"the body did not arrive within {seconds:g} s", headers={"Connection": "close"}
        ) from None


def _too_large(limit: int, came: str) -> problems.ProblemError:
    return problems.ProblemError("body_too_large", f"the body may hold up to {limit:,} bytes here; {came}")


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None
