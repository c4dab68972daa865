"""A database or a bucket that is away: a clear answer within seconds, and recovery without a restart."""

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from service.db.migrate import upgrade
from service.embedded import seaweedfs
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
                lines.extend(stream.iter_lines())

        watcher = threading.Thread(target=watch)
        watcher.start()
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


def test_the_bucket_is_away(postgres_url: str, server_folder: Path, s3_server: SeaweedFS, api_on, problem) -> None:
    upgrade(postgres_url)
    store = SeaweedFS(
        server_folder / f"fragile-s3-{secrets.token_hex(4)}",
        seaweedfs.free_ports(),
        server_folder / "secrets" / "fragile.json",
        scope=f"{server_folder}/fragile-s3",
        log=server_folder / "fragile-s3.log",
    )
    store.start()
    try:
        with api_on(postgres_url, store) as api, api.client("submit") as client:
            assert client.get("/readyz").status_code == 200
            store.stop()
            began = time.monotonic()
            assert "the bucket is away" in problem(client.get("/readyz"), 503).detail
            answer = client.put(
                "/v1/datasets/shards/" + "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
                content=b"x",
            )
            assert "object store" in problem(answer, 503).detail
            assert time.monotonic() - began < 2 * PATIENCE_SECONDS
            assert client.get("/v1/jobs").status_code == 200
            store.start()
            assert client.get("/readyz").status_code == 200
    finally:
        store.stop()


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
