import asyncio
import json
from collections.abc import Iterable

import pytest
from starlette.types import Message, Receive, Scope, Send

from schemas.datasets import MAX_SHARD_BYTES
from service.api import limits
from service.api.limits import MAX_JSON_BYTES, BodyLimit
from service.api.problems import ProblemError

SHARD = "/v1/datasets/shards/" + "0" * 64


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})


def serve(method: str, path: str, chunks: Iterable[bytes], announced: int | None = None) -> list[Message]:
    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "state": {"request_id": "12345678"},
    }
    arriving = iter(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        chunk = next(arriving, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(BodyLimit(reads_all)(scope, receive, send))
    return sent


def test_a_small_body_passes() -> None:
    assert serve("POST", "/v1/jobs", [b"x" * MAX_JSON_BYTES])[0]["status"] == 204


def test_an_announced_giant_is_refused_before_it_is_read() -> None:
    start, body = serve("POST", "/v1/jobs", iter(lambda: pytest.fail("the body was read"), None), 100_000_000)
    assert start["status"] == 413
    assert (
        json.loads(body["body"])["detail"]
        == "the body may hold up to 1,048,576 bytes here; 100,000,000 bytes were announced"
    )


def test_a_giant_in_chunks_is_refused_at_the_limit() -> None:
    read = 0

    def endless() -> Iterable[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 2**16

    with pytest.raises(ProblemError, match="up to 1,048,576 bytes"):
        serve("POST", "/v1/jobs", endless())
    assert read == MAX_JSON_BYTES // 2**16 + 1


def test_shards_may_be_larger() -> None:
    limit = MAX_SHARD_BYTES
    assert serve("PUT", SHARD, [b"x"], limit)[0]["status"] == 204
    assert serve("PUT", SHARD, [b"x"], limit + 1)[0]["status"] == 413
    assert serve("POST", SHARD, [b"x"], limit)[0]["status"] == 413


def test_a_body_that_trickles_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JSON_SECONDS", 0.2)
    scope = {"type": "http", "method": "POST", "path": "/v1/jobs", "headers": []}

    async def trickle() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        pytest.fail("nothing is sent here")

    with pytest.raises(ProblemError, match=r"did not arrive within 0.2 s"):
        asyncio.run(BodyLimit(reads_all)(scope, trickle, send))


def test_what_follows_the_body_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JSON_SECONDS", 0.1)
    arriving = iter([{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        message = next(arriving)
        await asyncio.sleep(0.3 if message["type"] == "http.disconnect" else 0)
        return message

    async def until_it_leaves(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"

    async def send(message: Message) -> None:
        pytest.fail("nothing is sent here")

    scope = {"type": "http", "method": "GET", "path": "/v1/jobs/1/progress", "headers": []}
    asyncio.run(BodyLimit(until_it_leaves)(scope, receive, send))


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("PUT", "/v1/imports/files/" + "0" * 64, limits.MAX_FILE_BYTES),
        ("POST", "/v1/imports/jobs", limits.MAX_IMPORT_BYTES),
        ("POST", "/v1/imports/files/" + "0" * 64, limits.MAX_IMPORT_BYTES),
        ("PUT", "/v1/jobs", MAX_JSON_BYTES),
    ],
)
def test_files_of_exports_may_be_large(method: str, path: str, most: int) -> None:
    assert limits.limits_of({"method": method, "path": path})[0] == most
