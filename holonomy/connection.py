"""The API as typed calls: retries where repeating is safe, and answers turned into values or errors."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from holonomy.errors import (
    HolonomyError,
    NotFound,
    NotStored,
    Refused,
    ServiceFault,
    Unauthorized,
    Unreachable,
)
from holonomy.transport import READ_SECONDS, Call, Reply, Transport
from schemas.api import Problem

T = TypeVar("T")
Query = Mapping[str, str | int | bool | None] | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Retries:
    """How often a repeatable call is tried, and how long the pauses grow."""

    attempts: int = 5
    first_seconds: float = 0.2
    longest_seconds: float = 5.0

    def pause_seconds(self, attempt: int, asked: float | None) -> float:
        """Pause after the given failed attempt (from 1): doubling, with jitter, or what the service asked for."""
        grown: float = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1))
        jittered = grown * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        return max(jittered, min(asked, 30.0)) if asked is not None else jittered


class Connection:
    """Calls the API through a transport."""

    def __init__(self, transport: Transport, retries: Retries | None = None) -> None:
        self.transport = transport
        self._retries = Retries() if retries is None else retries

    def get(self, path: str, answer: type[T], query: Query = ()) -> T:
        """GET a JSON answer.

        Raises:
            HolonomyError: see `holonomy.errors`.
        """
        return _parsed(self._body(Call("GET", path, _pairs(query), {"Accept": "application/json"})), answer, path)

    def get_bytes(self, path: str, query: Query = (), *, accept: str = "application/octet-stream") -> bytes:
        """GET a body as it is."""
        return self._body(Call("GET", path, _pairs(query), {"Accept": accept}, read_seconds=300.0))

    def post(
        self,
        path: str,
        answer: type[T],
        body: BaseModel | None = None,
        *,
        query: Query = (),
        idempotency_key: str | None = None,
        repeatable: bool = False,
        read_seconds: float = READ_SECONDS,
    ) -> T:
        """POST a body and read a JSON answer; sent again only with an idempotency key, or where that is harmless."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        content = None if body is None else body.model_dump_json().encode()
        call = Call("POST", path, _pairs(query), headers, content, read_seconds)
        return _parsed(self._body(call, repeatable=repeatable or idempotency_key is not None), answer, path)

    def put(self, path: str, content: bytes | Path, *, read_seconds: float = 300.0) -> None:
        """PUT bytes or a file; the path names their content, so that it may be repeated."""
        headers = {"Content-Type": "application/octet-stream"}
        self._body(Call("PUT", path, (), headers, content, read_seconds=read_seconds))

    def put_json(self, path: str, answer: type[T], body: BaseModel) -> T:
        """PUT a body in the place of what the path names, and read a JSON answer; may be repeated."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return _parsed(self._body(Call("PUT", path, (), headers, body.model_dump_json().encode())), answer, path)

    def delete(self, path: str) -> None:
        """DELETE; may be repeated."""
        self._body(Call("DELETE", path))

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        query: Query = (),
        body: BaseModel | None = None,
        accept: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> Iterator[Reply]:
        """GET, or POST a body for, an answer that is read as it arrives; tried once."""
        sent = {"Accept": accept, **(headers or {})}
        if body is None:
            call = Call("GET", path, _pairs(query), sent, read_seconds=read_seconds)
        else:
            content = body.model_dump_json().encode()
            sent["Content-Type"] = "application/json"
            call = Call("POST", path, _pairs(query), sent, content, read_seconds=read_seconds)
        with self.transport.send(call) as reply:
            if reply.status >= 400:
                raise _problem(reply)
            yield reply

    def _body(self, call: Call, *, repeatable: bool = True) -> bytes:
        attempt = 1
        while True:
            try:
                with self.transport.send(call) as reply:
                    if reply.status >= 400:
                        raise _problem(reply)
                    return reply.read()
            except Unreachable as error:
                if attempt >= self._retries.attempts or (error.sent and not repeatable):
                    raise
                time.sleep(self._retries.pause_seconds(attempt, error.retry_after_seconds))
                attempt += 1


class Connected:
    """What asks the service through a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def _pairs(query: Query) -> tuple[tuple[str, str], ...]:
    if isinstance(query, tuple):
        return query
    return tuple((name, _text(value)) for name, value in query.items() if value is not None)


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(content: bytes, answer: type[T], path: str) -> T:
    try:
        return TypeAdapter(answer).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ServiceFault(
            f"the answer to {path} is not what this client knows ({where}: {first['msg']}): "
            "are client and service of the same version? `holonomy status` tells"
        ) from None


def _problem(reply: Reply) -> HolonomyError:
    """The error that a reply of status 400 or more stands for."""
    content = reply.read()
    request_id = reply.headers.get("X-Request-Id")
    problem = _problem_body(content, reply.status, request_id)
    detail, code = problem.detail, problem.type.removeprefix("holonomy:")
    if reply.status in (401, 403):
        return Unauthorized(detail, request_id=problem.request_id)
    if reply.status in (404, 410):
        kind = NotStored if code in ("not_stored", "dropped") else NotFound
        return kind(detail, request_id=problem.request_id)
    if reply.status == 503:
        after = _seconds(reply.headers.get("Retry-After"))
        return Unreachable(detail, retry_after_seconds=after, request_id=problem.request_id)
    if reply.status < 500:
        return Refused(detail, errors=problem.errors, request_id=problem.request_id)
    return ServiceFault(detail, request_id=problem.request_id)


def _problem_body(content: bytes, status: int, request_id: str | None) -> Problem:
    try:
        return Problem.model_validate_json(content)
    except ValidationError:
        text = " ".join(content[:200].decode(errors="replace").split())
        detail = f"the service answered {status} without saying why" + (f": {text}" if text else "")
        return Problem(title="unknown", status=status, detail=detail, request_id=request_id or "unknown")


def _seconds(text: str | None) -> float | None:
    """Retry-After in its seconds form; the date form is as good as none."""
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None
