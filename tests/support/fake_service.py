"""A small Holonomy service over real sockets: jobs live in memory and move when a test says so."""

import hashlib
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
import polars
import safetensors.numpy

from schemas.api import JobDetail, Progress, Submitted
from schemas.blocks import BlockError, ObjectRef
from schemas.canonical import digest
from schemas.datasets import Dataset, DatasetImport
from schemas.jobs import Submission
from schemas.projects import Project
from schemas.states import TERMINAL_JOBS, JobState
from tests.support import fake_sweeps

TOKEN = "secret-of-the-fake"
ARROW = "application/vnd.apache.arrow.stream"


class Answer(Exception):
    """An answer that ends the handling of a request."""

    def __init__(
        self, status: int, detail: str, code: str = "problem", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.code, self.headers = status, detail, code, headers or {}


@dataclass
class World:
    """What the fake service holds; tests change it directly."""

    jobs: dict[int, JobDetail] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    shards: dict[str, bytes] = field(default_factory=dict)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    sweeps: list[fake_sweeps.Swept] = field(default_factory=list)
    projects: dict[str, Project] = field(default_factory=dict)
    tables: dict[str, polars.DataFrame] = field(default_factory=dict)
    """By name, those of all jobs; by `number/name`, that of one; by `across/name`, those with `job_id`."""
    answers: dict[str, polars.DataFrame] = field(default_factory=dict)
    """What queries give, by their SQL."""
    queries: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the queries that came."""
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    failures: list[Answer] = field(default_factory=list)
    """Answers given, one per request, before anything works."""
    streams: bool = True
    """Whether events are passed on; a proxy may not."""
    cut_after_events: int | None = None
    """Break each event stream after so many events."""

    def move(self, job_id: int, state: JobState, **changes: Any) -> None:
        """Bring a job into a state."""
        now = datetime.now(UTC)
        times = {"finished_at": now} if state in TERMINAL_JOBS else {"started_at": now}
        self.jobs[job_id] = self.jobs[job_id].model_copy(update={"state": state, **times, **changes})

    def fail(self, job_id: int, message: str) -> None:
        """Let a job fail."""
        self.move(job_id, JobState.FAILED, error=BlockError(kind="user", message=message))

    def progress(self, job_id: int, done: int, total: int) -> None:
        """Let a job run."""
        self.move(job_id, JobState.RUNNING, progress=Progress(total=total, done=done))

    def add(self, submission: Submission, parents: tuple[int, ...] = ()) -> JobDetail:
        """A new job."""
        job = JobDetail(
            id=len(self.jobs) + 1,
            digest=digest(submission.spec),
            kind=submission.spec.kind,
            name=submission.name,
            state=JobState.QUEUED,
            reason=None,
            priority=submission.priority,
            project=submission.project,
            tags=submission.tags,
            submitted_at=datetime.now(UTC),
            started_at=None,
            finished_at=None,
            parents=parents,
            spec=submission.spec,
            version="0",
        )
        self.jobs[job.id] = job
        return job


@dataclass(frozen=True)
class FakeService:
    """A running fake."""

    world: World
    url: str


@contextmanager
def fake_service(world: World, port: int = 0) -> Iterator[FakeService]:
    """Serve a world on the loopback until the context ends; open streams are cut then."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", port), type("Handler", (_Handler,), {"world": world, "stopping": False})
    )
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield FakeService(world, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.RequestHandlerClass.stopping = True  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent one after the other: the second would wait 40 ms for the first to be acknowledged.
    disable_nagle_algorithm = True
    world: World
    stopping: bool

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        self.world.requests.append(f"{self.command} {self.path}")

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        address = urlsplit(self.path)
        self.query = parse_qsl(address.query)
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        try:
            if self.world.failures:
                raise self.world.failures.pop(0)
            if parts == ["healthz"]:
                return self._send(200, b"ok", "text/plain")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Answer(401, "no such token: set HOLONOMY_TOKEN", "unauthorized")
            if self.stopping:
                raise ConnectionAbortedError
            self._route(self.command, parts[1:])
        except Answer as answer:
            problem = {
                "type": f"holonomy:{answer.code}",
                "title": answer.code,
                "status": answer.status,
                "detail": answer.detail,
                "request_id": "req-1",
            }
            self._send(answer.status, json.dumps(problem).encode(), "application/problem+json", answer.headers)
        except (ConnectionError, BrokenPipeError):
            self.close_connection = True

    def _route(self, method: str, parts: list[str]) -> None:
        match method, parts:
            case "POST", ["jobs"]:
                self._submit()
            case "GET", ["jobs"]:
                self._jobs()
            case "GET", ["jobs", number]:
                self._json(self._job(number))
            case "GET", ["jobs", number, "progress"]:
                self._progress(self._job(number).id)
            case "POST", ["jobs", number, "cancel"]:
                self.world.move(self._job(number).id, JobState.CANCELLED)
                self._json(self._job(number))
            case "POST", ["jobs", number, "retry"]:
                if self._job(number).state not in (JobState.FAILED, JobState.CANCELLED):
                    raise Answer(409, f"job {number} is {self._job(number).state}: only what ended can be retried")
                self.world.move(int(number), JobState.QUEUED, finished_at=None, error=None)
                self._json(self._job(number))
            case "GET", ["jobs", number, "events"]:
                after = int(dict(self.query)["after"])
                self._plain({"items": [event for event in self.world.events if event["id"] > after]})
            case "GET", ["jobs", _, "blocks"]:
                self._plain({"items": self.world.blocks})
            case "GET", ["jobs", number, "objects"]:
                self._manifest(self._job(number))
            case "GET", ["jobs", _, "objects", *name]:
                self._send(200, self.world.objects["/".join(name)], "application/octet-stream")
            case "GET", ["jobs", number, "tables", name]:
                self._table(f"{number}/{name}" if f"{number}/{name}" in self.world.tables else name)
            case "GET", ["jobs", _, "arrays", name]:
                self._array(name)
            case "GET", ["tables", name]:
                self._across(name)
            case "POST", ["query"]:
                self._query()
            case _:
                self._route_data(method, parts)

    def _route_data(self, method: str, parts: list[str]) -> None:
        match method, parts:
            case "PUT", ["datasets", "shards" | "tokenizers", sha256]:
                if hashlib.sha256(self.body).hexdigest() != sha256:
                    raise Answer(422, "the body has another digest")
                self.world.shards[sha256] = self.body
                self._send(201, b"{}", "application/json")
            case "POST", ["datasets"]:
                request = DatasetImport.model_validate_json(self.body)
                missing = [s.sha256 for s in request.manifest.shards if s.sha256 not in self.world.shards]
                if missing:
                    raise Answer(422, f"shard {missing[0]} is not there")
                dataset = Dataset(digest=digest(request.manifest), name=request.name, manifest=request.manifest)
                self.world.datasets[request.name] = dataset
                self._json(dataset, 201)
            case "GET", ["datasets", "tokenizers", sha256]:
                if sha256 not in self.world.shards:
                    raise Answer(404, f"there is no tokenizer {sha256}", "not_found")
                self._send(200, self.world.shards[sha256], "application/json")
            case "GET", ["datasets"]:
                self._plain([dataset.model_dump(mode="json") for dataset in self.world.datasets.values()])
            case "GET", ["status"]:
                self._plain(_STATUS)
            case _:
                self._route_tokens(method, parts)

    def _route_tokens(self, method: str, parts: list[str]) -> None:
        match method, parts:
            case "POST", ["tokens"]:
                info = {**json.loads(self.body), "id": len(self.world.tokens) + 1, "revoked_at": None}
                info["created_at"] = datetime.now(UTC).isoformat()
                self.world.tokens.append(info)
                self._plain({**info, "token": "hol_secret"}, 201)
            case "GET", ["tokens"]:
                self._plain(self.world.tokens)
            case "DELETE", ["tokens", number] if int(number) <= len(self.world.tokens):
                token = self.world.tokens[int(number) - 1]
                token["revoked_at"] = datetime.now(UTC).isoformat()
                self._plain(token)
            case _:
                self._route_sweeps(method, parts)

    def _route_sweeps(self, method: str, parts: list[str]) -> None:
        match method, parts:
            case "POST", ["sweeps"]:
                answer = fake_sweeps.submit(self.world, self.body)
                self._json(answer, 201 if answer.created else 200)
            case "POST", ["sweeps", "preview"]:
                self._json(fake_sweeps.preview(self.world, self.body))
            case "GET", ["sweeps"]:
                self._json(fake_sweeps.listed(self.world, dict(self.query)))
            case "GET", ["sweeps", number]:
                self._json(fake_sweeps.detail(self.world, self._sweep(number)))
            case "GET", ["sweeps", number, "jobs"]:
                self._json(fake_sweeps.jobs(self.world, self._sweep(number), dict(self.query)))
            case "POST", ["sweeps", number, "cancel"]:
                self._json(fake_sweeps.cancel(self.world, self._sweep(number)))
            case "POST", ["sweeps", number, "retry"]:
                self._json(fake_sweeps.retry(self.world, self._sweep(number)))
            case "GET", ["projects"]:
                self._plain([project.model_dump(mode="json") for project in self.world.projects.values()])
            case "GET", ["projects", name] if name in self.world.projects:
                self._json(self.world.projects[name])
            case "PUT", ["projects", name]:
                self._json(fake_sweeps.set_project(self.world, name, self.body))
            case _:
                raise Answer(404, f"there is no {self.path}", "not_found")

    def _sweep(self, number: str) -> fake_sweeps.Swept:
        if not 0 < int(number) <= len(self.world.sweeps):
            raise Answer(404, f"there is no sweep {number}", "not_found")
        return self.world.sweeps[int(number) - 1]

    def _job(self, number: str) -> JobDetail:
        job = self.world.jobs.get(int(number))
        if job is None:
            raise Answer(404, f"there is no job {number}", "not_found")
        return job

    def _submit(self) -> None:
        submission = Submission.model_validate_json(self.body)
        key = self.headers.get("Idempotency-Key", "")
        same = [job for job in self.world.jobs.values() if job.digest == digest(submission.spec)]
        known = self.world.jobs.get(self.world.keys.get(key, 0))
        job = known or (same[-1] if same and not submission.fresh else None)
        created = job is None
        job = job or self.world.add(submission)
        self.world.keys[key] = job.id
        self._json(Submitted(job=job, created=created), 201 if created else 200)

    def _jobs(self) -> None:
        asked = dict(self.query)
        start, size = int(asked.get("cursor", 0)), int(asked.get("limit", 100))
        found = [
            job.model_dump(mode="json")
            for job in reversed(self.world.jobs.values())
            if all(
                getattr(job, name) == asked.get(name, getattr(job, name))
                for name in ("state", "kind", "name", "project")
            )
            and ("tag" not in asked or asked["tag"] in job.tags)
        ]
        more = str(start + size) if start + size < len(found) else None
        self._plain({"items": found[start : start + size], "next": more})

    def _progress(self, job_id: int) -> None:
        if not self.world.streams:
            raise Answer(406, "events do not come through here")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        shown, sent = None, 0
        while not self.stopping and (shown is None or shown.state not in TERMINAL_JOBS):
            job = self.world.jobs[job_id]
            if job != shown:
                self.wfile.write(f": hello\n\nevent: job\ndata: {job.model_dump_json()}\n\n".encode())
                shown, sent = job, sent + 1
            if self.world.cut_after_events is not None and sent >= self.world.cut_after_events:
                return
            time.sleep(0.01)

    def _manifest(self, job: JobDetail) -> None:
        refs = [
            ObjectRef(name=name, key=f"jobs/{name}", sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
            for name, data in self.world.objects.items()
        ]
        objects = [ref.model_dump(mode="json") for ref in refs]
        self._plain({"job_id": job.id, "digest": job.digest, "objects": objects})

    def _across(self, name: str) -> None:
        """A table over jobs: as it stands for all of them, else put together of those of the jobs asked for."""
        whole = self.world.tables.get(f"across/{name}", self.world.tables.get(name))
        if whole is None:
            jobs = [int(value) for key, value in self.query if key == "job"]
            own = [
                self.world.tables[f"{job}/{name}"].select(polars.lit(job).alias("job_id"), polars.all())
                for job in jobs
            ]
            whole = polars.concat(own, how="vertical_relaxed")
        self._chosen(whole, ["job_id"])

    def _table(self, name: str) -> None:
        self._chosen(self.world.tables[name], [])

    def _chosen(self, frame: polars.DataFrame, always: list[str]) -> None:
        """The rows and columns of a table that are asked for, and columns that always come."""
        asked = dict(self.query)
        operators = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
        for condition in [value for name, value in self.query if name == "where"]:
            column, operator, value = condition.split(":", 2)
            literal = f"'{value}'" if frame.schema[column] == polars.String else value
            frame = frame.filter(polars.sql_expr(f"{column} {operators[operator]} {literal}"))
        for key in reversed(asked.get("order_by", "").split(",") if "order_by" in asked else []):
            frame = frame.sort(key.removeprefix("-"), descending=key.startswith("-"), maintain_order=True)
        frame = frame.head(int(asked["limit"])) if "limit" in asked else frame
        if "job" in asked:
            frame = frame.filter(
                polars.col("job_id").is_in([int(value) for key, value in self.query if key == "job"])
            )
        frame = frame.select(always + asked["columns"].split(",")) if "columns" in asked else frame
        self._frame(frame)

    def _query(self) -> None:
        asked = json.loads(self.body)
        self.world.queries.append(asked)
        self._frame(self.world.answers[asked["sql"]].head(asked["limit"] + 1))

    def _frame(self, frame: polars.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.write_ipc_stream(buffer)
        self._send(200, buffer.getvalue(), ARROW)

    def _array(self, name: str) -> None:
        key = f"{name}?{'&'.join(f'{k}={v}' for k, v in self.query)}"
        if key not in self.world.arrays:
            raise Answer(404, f"{key} is not stored", "not_stored")
        self._send(200, safetensors.numpy.save(self.world.arrays[key]), "application/octet-stream")

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, value.model_dump_json().encode(), "application/json")

    def _plain(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_STATUS = {
    "version": "0",
    "jobs": {},
    "blocks": {},
    "dispatchers": [],
    "oldest_ready_seconds": None,
    "bucket": "s3://fake",
    "database": "127.0.0.1:5432/holonomy",
}
