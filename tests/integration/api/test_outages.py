"""A database or a bucket that is away: a clear answer within seconds, and recovery without a restart."""

import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from service.db.migrate import upgrade
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres
from service.embedded.seaweedfs import SeaweedFS

PATIENCE_SECONDS = 8.0
JOB = {"spec": {"kind": "diagnostic", "seconds": 1.0}}


@pytest.fixture
def postgres(server_folder: Path) -> Iterator[Postgres]:
    """A server of this test's own, to be stopped and started."""
    server = Postgres(
        server_folder / f"fragile-{secrets.token_hex(4)}",
        free_port(),
        secrets.token_hex(8),
        scope=f"{server_folder}/fragile",
        log=server_folder / "fragile.log",
    )
    server.start()
    upgrade(server.url)
    yield server
    server.stop()


def test_the_database_goes_and_comes_back(postgres: Postgres, s3_server: SeaweedFS, api_on, problem) -> None:
    with api_on(postgres.url, s3_server) as api, api.client("submit") as client:
        job_id = client.post("/v1/jobs", json=JOB).json()["job"]["id"]
        lines: list[str] = []

        def watch() -> None:
            with client.stream("GET", f"/v1/jobs/{job_id}/progress") as stream:
                for line in stream.iter_lines():
                    lines.append(line)

        watcher = threading.Thread(target=watch)
        watcher.start()
        while not lines:
            time.sleep(0.01)
        postgres.stop()
        for path in ("/v1/jobs", "/readyz", f"/v1/jobs/{job_id}/tables/pairs"):
            began = time.monotonic()
            answer = client.get(path)
            assert time.monotonic() - began < PATIENCE_SECONDS
            assert "database" in problem(answer, 503).detail
            assert int(answer.headers["retry-after"]) > 0
        problem(client.post("/v1/jobs", json=JOB), 503)
        assert client.get("/healthz").status_code == 200
        assert "holonomy_database_up 0.0" in client.get("/metrics").text

        postgres.start()
        assert client.get("/readyz").status_code == 200
        assert client.get(f"/v1/jobs/{job_id}").json()["id"] == job_id
        assert "holonomy_database_up 1.0" in client.get("/metrics").text
        assert client.post(f"/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"
        watcher.join(PATIENCE_SECONDS)
        assert not watcher.is_alive()
        assert '"state":"cancelled"' in "".join(lines)


class Gate:
    """A loopback port that leads to another one, unless it is shut."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._listener = self._listen()
        self._open: list[socket.socket] = []

    def shut(self) -> None:
        """Refuse new connections and cut those that are there."""
        for end in (self._listener, *self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def reopen(self) -> None:
        self._listener = self._listen()

    def _listen(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_the_bucket_goes_and_comes_back(postgres_url: str, s3_server: SeaweedFS, api_on, problem) -> None:
    upgrade(postgres_url)
    gate = Gate(int(s3_server.endpoint.rsplit(":", 1)[1]))
    shard = b"x"
    path = f"/v1/datasets/shards/{hashlib.sha256(shard).hexdigest()}"
    with api_on(postgres_url, s3_server, f"http://127.0.0.1:{gate.port}") as api, api.client("submit") as client:
        assert client.get("/readyz").status_code == 200
        gate.shut()
        began = time.monotonic()
        assert "the bucket is away" in problem(client.get("/readyz"), 503).detail
        answer = client.put(path, content=shard)
        assert "object store" in problem(answer, 503).detail
        assert int(answer.headers["retry-after"]) > 0
        assert time.monotonic() - began < 2 * PATIENCE_SECONDS
        assert client.get("/v1/jobs").status_code == 200
        gate.reopen()
        assert client.get("/readyz").status_code == 200
        assert client.put(path, content=shard).status_code == 201
    gate.shut()


def test_a_watcher_that_leaves_frees_its_place(api, client: httpx2.Client) -> None:
    job_id = client.post("/v1/jobs", json={"spec": {"kind": "diagnostic", "seconds": 1.5}}).json()["job"]["id"]
    for _ in range(30):
        with client.stream("GET", f"/v1/jobs/{job_id}/progress") as stream:
            next(stream.iter_lines())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while open_requests(client) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert open_requests(client) == 1  # the one that asks
    assert api.backend.engine.pool.checkedout() == 0


def open_requests(client: httpx2.Client) -> int:
    text = client.get("/metrics").text
    line = next(line for line in text.splitlines() if line.startswith("holonomy_http_requests_open "))
    return int(float(line.split()[1]))
