"""The servers of the embedded stack: they come up, survive being killed, keep their data, and leave nothing."""

import http.client
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import boto3
import psycopg2
import pytest
from botocore.exceptions import ClientError

from service.embedded import process, ray_head, seaweedfs
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres, installed
from service.embedded.ray_head import RayHead
from service.embedded.seaweedfs import SeaweedFS
from service.embedded.server import Server, StartError


def _kill(server: Server) -> None:
    assert server.process is not None
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()


@pytest.fixture
def own_folder(server_folder: Path) -> Path:
    folder = server_folder / secrets.token_hex(4)
    folder.mkdir(mode=0o711)
    return folder


def _postgres(folder: Path) -> Postgres:
    return Postgres(folder / "postgres", free_port(), "secret", scope=str(folder), log=folder / "postgres.log")


def _seaweedfs(folder: Path) -> SeaweedFS:
    ports = seaweedfs.free_ports()
    return SeaweedFS(folder / "seaweedfs", ports, folder / "s3.json", scope=str(folder), log=folder / "seaweedfs.log")


def _ray(folder: Path) -> RayHead:
    ports = {role: free_port() for role in ray_head.ROLES}
    token = folder / "ray.token"
    return RayHead(
        folder / "ray", ports, token, scope=str(folder), log=folder / "ray.log", environment=os.environ, cpus=1
    )


@pytest.fixture(params=[_postgres, _seaweedfs, _ray], ids=["postgres", "seaweedfs", "ray"])
def own_server(request: pytest.FixtureRequest, own_folder: Path) -> Iterator[Server]:
    make: Callable[[Path], Server] = request.param
    server = make(own_folder)
    yield server
    server.stop()


def test_server_comes_back_after_a_kill_and_stop_leaves_no_process(own_server: Server) -> None:
    own_server.start()
    first = own_server.identity
    _kill(own_server)
    assert first is not None
    assert first.find() is None
    own_server.start()
    assert own_server.ready()
    scope = own_server.mark.partition(":")[0]
    assert process.marked(scope)
    started = time.monotonic()
    own_server.stop()
    assert time.monotonic() - started < 6
    assert process.marked(scope) == []
    assert not own_server.alive()


def test_postgres_keeps_committed_rows_when_killed(own_folder: Path) -> None:
    server = _postgres(own_folder)
    server.start()
    try:
        with closing(psycopg2.connect(server.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("create table kept (value int); insert into kept values (42)")
        _kill(server)
        server.start()
        with closing(psycopg2.connect(server.url)) as connection, connection.cursor() as cursor:
            cursor.execute("select value from kept")
            assert cursor.fetchall() == [(42,)]
    finally:
        server.stop()


def test_postgres_ends_a_server_left_over_in_its_cluster(own_folder: Path) -> None:
    first = _postgres(own_folder)
    first.start()
    second = _postgres(own_folder)
    second.start()
    assert not first.alive()
    second.stop()


def test_postgres_ignores_a_lock_whose_number_belongs_to_another_process(own_folder: Path) -> None:
    server = _postgres(own_folder)
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    server.start()
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_postgres_runs_unprivileged_under_root(postgres_server: Postgres) -> None:
    running = process.identify(postgres_server.pid).find()
    assert running is not None
    assert running.uids().real != 0
    assert stat.S_IMODE(postgres_server.folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_a_folder_that_postgres_cannot_reach_is_named(own_folder: Path) -> None:
    own_folder.chmod(0o700)
    with pytest.raises(StartError, match="expected a state folder that account"):
        _postgres(own_folder).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_binaries_that_the_account_cannot_reach_are_copied(
    own_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    package = installed().parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(
            folder, private / folder.name, symlinks=True, ignore=shutil.ignore_patterns("include", "pginstall")
        )
    monkeypatch.syspath_prepend(private)
    server = _postgres(own_folder)
    server.start()
    running = process.identify(server.pid).find()
    assert running is not None
    assert Path(running.exe()).is_relative_to(server.folder)
    server.stop()


def test_postgres_refuses_a_wrong_password(postgres_server: Postgres) -> None:
    wrong = postgres_server.url.replace(postgres_server.password, "wrong")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong)


def test_objects_survive_a_kill(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = _seaweedfs(own_folder)
    server.start()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    try:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        with closing(boto3.client("s3")) as client:
            client.create_bucket(Bucket="kept")
            client.put_object(Bucket="kept", Key="a", Body=b"1", IfNoneMatch="*")
            _kill(server)
            server.start()
            with pytest.raises(ClientError, match="PreconditionFailed"):
                client.put_object(Bucket="kept", Key="a", Body=b"2", IfNoneMatch="*")
            assert client.get_object(Bucket="kept", Key="a")["Body"].read() == b"1"
    finally:
        server.stop()
    assert stat.S_IMODE(server.identity_file.stat().st_mode) == 0o600


def test_s3_refuses_a_wrong_secret(s3_bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with closing(boto3.client("s3")) as client, pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client.list_objects_v2(Bucket=s3_bucket.name)


def test_many_buckets_can_be_written_to(s3_server: SeaweedFS, s3_bucket) -> None:
    """A server that gave each bucket seven volumes would run out of them on a small disk."""
    client = boto3.client("s3", endpoint_url=s3_server.endpoint)
    with closing(client):
        names = [f"{s3_bucket.name}-{number}" for number in range(12)]
        for name in names:
            client.create_bucket(Bucket=name)
            client.put_object(Bucket=name, Key="a", Body=b"1")
        for name in names:
            client.delete_bucket(Bucket=name)


def test_filer_refuses_what_did_not_come_through_s3(s3_server: SeaweedFS, s3_bucket) -> None:
    with closing(boto3.client("s3")) as client:
        client.put_object(Bucket=s3_bucket.name, Key="a", Body=b"1" * 100_000)
    with closing(http.client.HTTPConnection("127.0.0.1", s3_server.ports["filer"], timeout=5)) as connection:
        connection.request("GET", f"/buckets/{s3_bucket.name}/a")
        assert connection.getresponse().status == 401


_DRIVER = """
import os, ray
ray.init(address=os.environ["HOLONOMY_RAY_ADDRESS"], log_to_driver=False)
@ray.remote
def look():
    return os.environ.get("HOLONOMY_S3_BUCKET"), "HOLONOMY_DATABASE_URL" in os.environ
print(ray.get(look.remote()))
"""


def test_ray_workers_know_the_bucket_but_not_the_database(
    ray_cluster: RayHead, ray_bucket, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, **ray_cluster.client_environment, "HOLONOMY_DATABASE_URL": postgres_url}
    driver = subprocess.run(
        [sys.executable, "-c", _DRIVER], env=environment, capture_output=True, text=True, check=True
    )
    assert driver.stdout.strip() == str((ray_bucket.name, False))


def test_ray_refuses_a_driver_without_the_token(ray_cluster: RayHead, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0" * 48)
    wrong = {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"), "RAY_gcs_rpc_server_connect_timeout_s": "1"}
    environment = {**os.environ, **ray_cluster.client_environment, **wrong}
    driver = subprocess.run(
        [sys.executable, "-c", _DRIVER], env=environment, capture_output=True, text=True, check=False
    )
    assert driver.returncode != 0
    assert "Authentication" in driver.stderr


def test_everything_of_ray_listens_on_loopback_only(ray_cluster: RayHead) -> None:
    listening = {
        connection.laddr.ip
        for member in process.marked(ray_cluster.mark)
        for connection in member.net_connections("tcp")
        if connection.status == "LISTEN"
    }
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
