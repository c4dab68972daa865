"""Real servers for tests: Postgres, an S3 server and Ray, each started once a session on free loopback ports."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import hypothesis
import pytest

from service.embedded import ray_head, seaweedfs
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres
from service.embedded.ray_head import RayHead
from service.embedded.seaweedfs import SeaweedFS
from tests.support.dispatching import Dispatchers, Queue, database

# An example takes as long as the machine is busy: how long says nothing about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@dataclass(frozen=True)
class Bucket:
    """An empty bucket and the environment in which boto3 and the service find it."""

    name: str
    endpoint: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that Postgres's account can traverse, unlike pytest's own, for root runs."""
    folder = Path(tempfile.mkdtemp(prefix="holonomy-test-", dir="/tmp"))
    folder.chmod(0o711)
    (folder / "secrets").mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[Postgres]:
    server = Postgres(
        server_folder / "postgres",
        free_port(),
        secrets.token_hex(8),
        scope=str(server_folder),
        log=server_folder / "postgres.log",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The address of a fresh, empty database, dropped after the test."""
    with database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def s3_server(server_folder: Path) -> Iterator[SeaweedFS]:
    """An S3 server with attributes `endpoint`, `credentials` and `environment`."""
    server = SeaweedFS(
        server_folder / "seaweedfs",
        seaweedfs.free_ports(),
        server_folder / "secrets" / "s3.json",
        scope=str(server_folder),
        log=server_folder / "seaweedfs.log",
    )
    server.start()
    yield server
    server.stop()


@contextmanager
def _bucket(server: SeaweedFS) -> Iterator[Bucket]:
    """An empty bucket, deleted with all that is in it: every bucket takes a volume of the server's."""
    name = f"test-{secrets.token_hex(6)}"
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.credentials.access_key,
        aws_secret_access_key=server.credentials.secret_key,
        region_name=seaweedfs.REGION,
    )
    with closing(client):
        client.create_bucket(Bucket=name)
        yield Bucket(name, server.endpoint, {**server.environment, "HOLONOMY_S3_BUCKET": name})
        client.delete_bucket(Bucket=name)


@pytest.fixture
def s3_bucket(s3_server: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A fresh bucket; its environment is set for the test, so that boto3 finds it without arguments."""
    # boto3's default session keeps the credentials that it found first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with _bucket(s3_server) as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        yield bucket


@pytest.fixture(scope="session")
def ray_bucket(s3_server: SeaweedFS) -> Iterator[Bucket]:
    """The bucket that the workers of `ray_cluster` have in their environment."""
    with _bucket(s3_server) as bucket:
        yield bucket


def ray_ports() -> dict[str, int]:
    """A free port for each role of a Ray head."""
    taken: list[int] = []
    for _ in ray_head.ROLES:
        taken.append(free_port(taken=taken))
    return dict(zip(ray_head.ROLES, taken, strict=True))


@pytest.fixture(scope="session")
def ray_cluster(server_folder: Path, ray_bucket: Bucket) -> Iterator[RayHead]:
    """A Ray head of two CPUs with attributes `address` and `client_environment` (what a driver's process needs)."""
    head = RayHead(
        server_folder / "ray",
        ray_ports(),
        server_folder / "secrets" / "ray.token",
        scope=str(server_folder),
        log=server_folder / "ray.log",
        environment={**os.environ, **ray_bucket.environment},
        cpus=2,
    )
    head.start()
    yield head
    head.stop()


@pytest.fixture
def queue(postgres_url: str) -> Iterator[Queue]:
    """A fresh database at the newest schema."""
    with Queue.at(postgres_url) as queue:
        yield queue


@pytest.fixture
def dispatchers(
    queue: Queue, postgres_url: str, ray_cluster: RayHead, ray_bucket: Bucket, tmp_path: Path
) -> Iterator[Dispatchers]:
    """Starts dispatchers of the `queue` on real Ray and a real bucket, with short leases; ends them afterwards."""
    environment = {**ray_bucket.environment, **ray_cluster.client_environment}
    with Dispatchers.of(postgres_url, environment, tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The original MNIST files: in HOLONOMY_TEST_DATA, else in `shared/data` beside the repository."""
    shared = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HOLONOMY_TEST_DATA", shared)) / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no MNIST: {folder} is not there; HOLONOMY_TEST_DATA names the folder that holds `mnist`")
    return folder
