import asyncio
import json

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from starlette.types import Message, Receive, Scope, Send

from service.api.context import RequestContext
from service.api.metrics import RequestMetrics


def serve(app: object, registry: CollectorRegistry) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "BREW", "path": "/x", "headers": [(b"x-request-id", b"request-1")]}
    asyncio.run(RequestContext(app, RequestMetrics(registry))(scope, receive, send))
    return sent


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("a secret inside")


async def broken_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("a secret inside")


def test_a_defect_is_answered_without_and_logged_with_its_traceback() -> None:
    registry = CollectorRegistry()
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        start, body = serve(broken, registry)
    assert start["status"] == 500
    assert (b"x-request-id", b"request-1") in start["headers"]
    assert json.loads(body["body"])["request_id"] == "request-1"
    assert b"secret" not in body["body"]
    assert lines[0]["event"] == "request failed"
    assert lines[0]["exc_info"]
    assert lines[0]["request_id"] == "request-1"
    assert 'requests_total{method="other",route="unmatched",status="500"} 1.0' in generate_latest(registry).decode()


def test_an_answer_that_has_begun_is_cut_off() -> None:
    registry = CollectorRegistry()
    with pytest.raises(RuntimeError, match="a secret inside"):
        serve(broken_halfway, registry)
    assert "holonomy_http_requests_open 0.0" in generate_latest(registry).decode()
