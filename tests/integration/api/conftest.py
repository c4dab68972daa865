"""A real API: uvicorn on a loopback port, before a real Postgres and a real S3 server."""

import hashlib
import io
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import httpx2
import numpy as np
import psycopg2
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from numpy.typing import NDArray
from safetensors.numpy import save

from schemas.api import Problem, Scope
from schemas.blocks import (
    BlockRecord,
    BracketPerturbations,
    BracketSummary,
    BracketTile,
    ObjectRef,
    ReplicaSegment,
    TrainingSegment,
    payload,
)
from schemas.bracket_results import PAIRS, PERTURBATIONS
from schemas.brackets import Brackets, TopPairs
from schemas.data import Indices
from schemas.jobs import job_spec
from schemas.states import TERMINAL_JOBS, JobState
from service.administration import reader_credentials
from service.api.app import POOL_SIZE, build
from service.api.backend import Backend
from service.db.arrow import ArrowDatabase
from service.db.engine import connect, described
from service.db.migrate import upgrade
from service.embedded.postgres import DATABASE, Postgres
from service.embedded.seaweedfs import SeaweedFS
from service.objects import ObjectStore, StoreSettings
from service.queue import jobs, tokens
from service.queue.claim import Claimed, claim
from service.queue.commit import Done, commit
from service.queue.upkeep import plan_jobs


@dataclass(frozen=True)
class Api:
    """A running API and what it stands on."""

    url: str
    backend: Backend
    application: FastAPI

    def token(self, *scopes: Scope) -> str:
        with self.backend.engine.begin() as connection:
            return tokens.create(connection, "tester", scopes).token

    def client(self, *scopes: Scope, timeout: float = 30.0) -> httpx2.Client:
        """A client with a fresh token of these scopes; without scopes it sends none."""
        headers = {"Authorization": f"Bearer {self.token(*scopes)}"} if scopes else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=timeout)


@contextmanager
def serving(backend: Backend) -> Iterator[Api]:
    # The server's threads would print between the test runner's dots.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    listener = socket.create_server(("127.0.0.1", 0))
    application = build(backend)
    server = uvicorn.Server(
        uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Api(f"http://127.0.0.1:{listener.getsockname()[1]}", backend, application)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def backend_on(database_url: str, s3: SeaweedFS, bucket: str, endpoint: str | None = None) -> Backend:
    """The parts of an API on an upgraded database and a bucket that exists."""
    store = ObjectStore(StoreSettings(bucket, endpoint or s3.endpoint, connect_timeout_seconds=2.0, attempts=2))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        store.create_bucket()
    engine = connect(database_url, application="holonomy api", pool_size=POOL_SIZE)
    return Backend(engine, store, version("holonomy"), described(database_url))


@pytest.fixture
def api_on() -> Callable[..., AbstractContextManager[Api]]:
    """Serves an API of the test's own, on an upgraded database, an S3 server and perhaps another way to it."""
    return lambda url, s3, endpoint=None: serving(backend_on(url, s3, f"test-{secrets.token_hex(6)}", endpoint))


@pytest.fixture(scope="session")
def serving_again() -> Callable[[Backend], AbstractContextManager[Api]]:
    """Serves one more API on parts that are there already."""
    return serving


@pytest.fixture
def elsewhere(api_on, postgres_url: str, s3_server: SeaweedFS) -> Iterator[Api]:
    """Another installation, empty, with a bucket of its own."""
    upgrade(postgres_url)
    with api_on(postgres_url, s3_server) as running:
        yield running


class Worker:
    """Plays dispatcher and workers: plans, claims and commits through the real queue, with made-up numbers.

    Every pair's numbers are a function of (step, i, j), which `logits` and `bracket` give.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._backend = api.backend

    def finished(self, spec: dict[str, Any], **labels: object) -> int:
        """The number of a job that was submitted and has ended."""
        with self._api.client("submit") as client:
            number: int = client.post("/v1/jobs", json={"spec": spec, **labels}).json()["job"]["id"]
        self.run(number)
        return number

    def run(self, job_id: int, *, leave: int = 0) -> None:
        """Work until the job has ended, or until only `leave` of its blocks are left."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            plan_jobs(self._backend.engine)
            with self._backend.engine.begin() as connection:
                job = jobs.job(connection, job_id)
                if job.state == JobState.FAILED:
                    raise RuntimeError(job.reason)
                if job.state in TERMINAL_JOBS or 0 < job.progress.total - job.progress.done <= leave:
                    return
                claimed = claim(connection, holder="test", device="cpu", limit=1, lease_seconds=60)
            with self._backend.engine.begin() as connection:
                commit(connection, [self._finish(block) for block in claimed])
        raise TimeoutError(f"job {job_id} did not end")

    @staticmethod
    def logits(step: int, i: int, j: int) -> NDArray[np.float32]:
        """(3 test examples, 2 outputs)."""
        return np.arange(6, dtype=np.float32).reshape(3, 2) + step + 100 * i + 10_000 * j

    @staticmethod
    def bracket(step: int, i: int, j: int) -> dict[str, NDArray[np.float64]]:
        return {"0.weight": np.full((4, 5), step + i / j), "0.bias": np.arange(5.0) - j}

    def _finish(self, block: Claimed) -> Done:
        spec = job_spec.validate_json(block.spec_json)
        found: list[ObjectRef] = []
        rows: dict[str, dict[str, list[object]]] = {}
        match payload.validate_json(block.payload_json), spec:
            case TrainingSegment(start=start, save=save), _:
                found = [self._store(block, f"checkpoints/{step:09d}", {"step": np.array([step])}) for step in save]
                found += [self._store(block, "schedule", {"indices": np.arange(9)})] if start == 0 else []
            case BracketTile() as tile, Brackets() as asked:
                self._tile(block, tile, asked, found, rows)
            case BracketSummary(step=step), Brackets(perturbed=TopPairs()):
                found.append(self._store(block, f"selected/{step:09d}", {"positions": np.array([[0, 1]])}))
            case ReplicaSegment() as segment, _:
                found = [
                    self._store(block, f"states/{step:09d}/{segment.group:05d}", self._states(step, segment))
                    for step in segment.save
                ]
                looks = f"looks/{segment.group:05d}/{segment.start:09d}"
                found.append(self._store(block, looks, {"steps": np.arange(2)}))
            case BracketPerturbations(step=step, start=start), _:
                found.append(self._store(block, f"moved/{step:09d}/{start:09d}", {"nothing": np.zeros(1)}))
        record = BlockRecord(data={"made": "up"}, objects=tuple(found), seconds=0.01)
        return Done(block.block_id, block.job_id, block.token, record.model_dump_json(), rows)

    @staticmethod
    def member(step: int, number: int) -> NDArray[np.float64]:
        """The one parameter of a member: of the baseline (number 1_000), a twin (−1 − group) or a replica."""
        return np.array([step, number], np.float64)

    def _states(self, step: int, segment: ReplicaSegment) -> dict[str, NDArray[Any]]:
        numbers = [1_000, -1 - segment.group, *range(*segment.replicas)]
        weights = np.stack([self.member(step, number) for number in numbers])
        return {"parameters/w": weights, "steps_taken": np.full(len(numbers), step), "landmarks/norm": np.ones(1)}

    def _tile(
        self,
        block: Claimed,
        tile: BracketTile,
        spec: Brackets,
        found: list[ObjectRef],
        rows: dict[str, dict[str, list[object]]],
    ) -> None:
        examples = spec.examples.indices if isinstance(spec.examples, Indices) else range(spec.examples.count)
        pairs = [(examples[a], examples[b]) for a in range(*tile.rows) for b in range(*tile.columns) if a < b]
        kept = [] if isinstance(spec.keep, str) else [pair for pair in pairs if pair in spec.keep]
        arrays = {}
        listed = spec.perturbed if isinstance(spec.perturbed, tuple) else ()
        moved = pairs if spec.perturbed == "all" else [pair for pair in pairs if pair in listed]
        if moved:
            arrays["logits"] = np.stack([self.logits(tile.step, i, j) for i, j in moved])
        for name in ("0.weight", "0.bias") if kept else ():
            arrays[f"kept/{name}"] = np.stack([self.bracket(tile.step, i, j)[name] for i, j in kept])
        name = f"tiles/{tile.step:09d}/{tile.rows[0]:06d}-{tile.columns[0]:06d}"
        found.append(self._store(block, name, arrays or {"nothing": np.zeros(1)}))
        found.append(self._store(block, name.replace("tiles", "sums", 1), {"square_sum": np.ones(2)}))
        columns: dict[str, list[object]] = {column.name: [0.5] * len(pairs) for column in PAIRS.columns}
        columns |= {
            "step": [tile.step] * len(pairs),
            "i": [i for i, _ in pairs],
            "j": [j for _, j in pairs],
            "bracket_norm": [100.0 * i + j for i, j in pairs],
            "recomputed": [False] * len(pairs),
            "gauss_newton_norm": [None if (i + j) % 2 else float(i) for i, j in pairs],
            "object": [name] * len(pairs),
            "position": list(range(len(pairs))),
            "kept_position": [kept.index(pair) if pair in kept else None for pair in pairs],
        }
        rows["pairs"] = columns
        if moved:
            rows["perturbations"] = {column.name: [0.5] * len(moved) for column in PERTURBATIONS.columns} | {
                "step": [tile.step] * len(moved),
                "i": [i for i, _ in moved],
                "j": [j for _, j in moved],
                "object": [name] * len(moved),
                "position": list(range(len(moved))),
            }

    def _store(self, block: Claimed, name: str, arrays: dict[str, NDArray[Any]]) -> ObjectRef:
        data = save(arrays)
        key = f"jobs/{block.digest}/{name}/{block.job_id}-{block.block_id}-{block.run}.safetensors"
        self._backend.objects.put(key, data)
        return ObjectRef(name=name, key=key, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


@pytest.fixture(scope="session")
def worker(api: Api) -> Worker:
    return Worker(api)


@pytest.fixture(scope="session")
def api(postgres_server: Postgres, s3_server: SeaweedFS) -> Iterator[Api]:
    """One API for all tests that do not break it: each test looks at its own jobs."""
    name = f"api_{secrets.token_hex(6)}"
    with closing(psycopg2.connect(postgres_server.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {name}")
    url = postgres_server.url.removesuffix(DATABASE) + name
    upgrade(url)
    reader = ArrowDatabase(reader_credentials(url, "reader"), application="holonomy query")
    with serving(replace(backend_on(url, s3_server, name.replace("_", "-")), reader=reader)) as running:
        yield running


def _problem(response: httpx2.Response, status: int) -> Problem:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = Problem.model_validate_json(response.content)
    assert body.status == status
    assert body.request_id == response.headers["x-request-id"]
    assert "\n" not in body.detail
    assert "Traceback" not in response.text
    return body


@pytest.fixture
def problem() -> Callable[[httpx2.Response, int], Problem]:
    """Checks that an answer is a problem of a status, as problem+json with one line and the request's id."""
    return _problem


@pytest.fixture
def client(api: Api) -> Iterator[httpx2.Client]:
    """Allowed to read and submit."""
    with api.client("submit") as allowed:
        yield allowed
