"""What surrounds every request: its id, one log line, its measurements, and the last resort for errors."""

import re
import time
import uuid
from typing import cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.api.metrics import RequestMetrics

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

log = structlog.get_logger("holonomy.api")


def request_id_of(scope: Scope) -> str:
    """The id of a request that has passed `RequestContext`."""
    return cast(str, scope["state"]["request_id"])


def accepted_id(scope: Scope) -> str:
    """The client's `X-Request-Id` when it is 8 to 128 harmless characters, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _SANE_ID.fullmatch(text):
                return cast(str, text)
    return uuid.uuid4().hex


class RequestContext:
    """The outermost ASGI middleware.

    An exception that nothing else has turned into an answer is logged with its traceback and answered with a 500
    that has none. When the answer had already begun it is raised again, so that the server cuts the connection and
    the client sees that the body is not whole.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = accepted_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        began = time.perf_counter()
        self._metrics.begin()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, with_id)
            except Exception:
                log.exception("request failed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                error = problems.ProblemError(
                    "internal", "the service failed on this request; the reason is in its log under this request id"
                )
                await problems.response(error, request_id)(scope, receive, with_id)
            finally:
                seconds = time.perf_counter() - began
                route = getattr(scope.get("route"), "path", None)
                self._metrics.observe(scope["method"], route, status, seconds)
                if scope["path"] not in _QUIET_PATHS:
                    log.info(
                        "request",
                        method=scope["method"],
                        path=scope["path"],
                        status=status,
                        milliseconds=round(1000 * seconds, 1),
                    )
