"""A real API: uvicorn on a loopback port, before a real Postgres and a real S3 server."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import httpx2
import psycopg2
import pytest
import uvicorn
from fastapi import FastAPI

from schemas.api import Problem, Scope
from service.api.app import POOL_SIZE, build
from service.api.backend import Backend
from service.db.engine import connect, described
from service.db.migrate import upgrade
from service.embedded.postgres import DATABASE, Postgres
from service.embedded.seaweedfs import SeaweedFS
from service.objects import ObjectStore, StoreSettings
from service.queue import tokens


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


def backend_on(database_url: str, s3: SeaweedFS, bucket: str) -> Backend:
    """The parts of an API on an upgraded database and a bucket that exists."""
    store = ObjectStore(StoreSettings(bucket, s3.endpoint, connect_timeout_seconds=2.0, attempts=2))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        store.create_bucket()
    engine = connect(database_url, application="holonomy api", pool_size=POOL_SIZE)
    return Backend(engine, store, version("holonomy"), described(database_url))


@pytest.fixture(scope="session")
def api(postgres_server: Postgres, s3_server: SeaweedFS) -> Iterator[Api]:
    """One API for all tests that do not break it: each test looks at its own jobs."""
    name = f"api_{secrets.token_hex(6)}"
    with closing(psycopg2.connect(postgres_server.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {name}")
    url = postgres_server.url.removesuffix(DATABASE) + name
    upgrade(url)
    with serving(backend_on(url, s3_server, name.replace("_", "-"))) as running:
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
