"""`python -m service.api` as its own process."""

import os
import signal
import subprocess
import sys
import time

import httpx2
import pytest

from service.db.engine import connect
from service.db.migrate import upgrade
from service.embedded.ports import free_port
from service.queue import tokens

COMMAND = [sys.executable, "-m", "service.api"]


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLONOMY_")}
    return kept | {f"HOLONOMY_{name}": value for name, value in settings.items()}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"S3_BUCKET": "b"}, "HOLONOMY_DATABASE_URL is not set"),
        ({"DATABASE_URL": "postgresql://u:secret@h/d"}, "HOLONOMY_S3_BUCKET"),
        ({"DATABASE_URL": "mysql://u:secret@h/d", "S3_BUCKET": "b"}, "expected a database URL like postgresql://"),
        ({"DATABASE_URL": "not a url", "S3_BUCKET": "b"}, "expected a database URL like postgresql://"),
        ({"API_PORT": "many"}, "HOLONOMY_API_PORT: "),
    ],
)
def test_settings_that_do_not_do_are_one_line(settings: dict[str, str], complaint: str) -> None:
    done = subprocess.run(
        COMMAND, env=environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_serves_and_stops_although_someone_watches(postgres_url: str, s3_bucket) -> None:
    upgrade(postgres_url)
    port = free_port()
    settings = {"DATABASE_URL": postgres_url, "S3_BUCKET": s3_bucket.name, "API_PORT": str(port)}
    process = subprocess.Popen(COMMAND, env=environment(**settings), stderr=subprocess.PIPE, text=True)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
            deadline = time.monotonic() + 60
            while not ready(client):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            client.get("/v1/jobs", headers={"X-Request-Id": "from-outside"})
            headers = {"Authorization": f"Bearer {token(postgres_url)}"}
            job = client.post("/v1/jobs", json={"spec": {"kind": "diagnostic"}}, headers=headers).json()["job"]["id"]
            with client.stream("GET", f"/v1/jobs/{job}/progress", headers=headers) as stream:
                next(stream.iter_lines())
                process.send_signal(signal.SIGTERM)
                _, log = process.communicate(timeout=15)
    finally:
        process.kill()
    assert '"request_id": "from-outside"' in log
    assert "Traceback" not in log


def token(database_url: str) -> str:
    engine = connect(database_url)
    with engine.begin() as connection:
        made = tokens.create(connection, "tester", ["submit"])
    engine.dispose()
    return made.token


def ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False
