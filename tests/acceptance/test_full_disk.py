"""A disk that fills up under the database or the object store: blocks wait, say why, and go on once there is room."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import boto3
import pytest

from schemas.diagnostic import Diagnostic
from service.embedded import seaweedfs
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres
from service.embedded.ray_head import RayHead
from service.embedded.seaweedfs import SeaweedFS
from tests.conftest import ray_ports
from tests.support.dispatching import Dispatchers, Queue

MEBIBYTE = 2**20


@contextmanager
def _small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of its own in memory; mounting takes root, and a container may forbid it even then."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0755", "holonomy-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MEBIBYTE, 4096):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return filler


def test_the_disk_of_the_database_is_full_for_a_while(server_folder, ray_cluster, ray_bucket, tmp_path):
    with _small_disk(server_folder / f"disk-{secrets.token_hex(4)}", 300) as disk:
        server = Postgres(
            disk / "postgres", free_port(), secrets.token_hex(8), scope=str(disk), log=tmp_path / "postgres.log"
        )
        server.start()
        environment = {**ray_bucket.environment, **ray_cluster.client_environment}
        try:
            with Queue.at(server.url) as queue, Dispatchers.of(server.url, environment, tmp_path) as dispatchers:
                process = dispatchers.start()
                job = queue.submit(Diagnostic(blocks=400, seconds=0.02, record_bytes=50_000))
                queue.wait(lambda: queue.job(job).blocks_done >= 20)
                filler = _fill(disk)
                queue.wait(lambda: "the database does not take our call" in dispatchers.log.read_text(), 60)
                filler.unlink()
                if (
                    not server.alive()
                ):  # without room for its log Postgres ends itself; its supervisor starts it again
                    server.start()
                queue.done(job)
                assert process.poll() is None
                blocks = queue.blocks(job)
                assert [block.record["data"]["index"] for block in blocks] == list(range(400))
                assert all(block.attempts == 0 for block in blocks)
        finally:
            server.stop()


def test_the_disk_of_the_object_store_is_full_for_a_while(server_folder, queue, postgres_url, tmp_path):
    with _small_disk(server_folder / f"disk-{secrets.token_hex(4)}", 1200) as disk, ExitStack() as stack:
        store = SeaweedFS(
            disk / "seaweedfs",
            seaweedfs.free_ports(),
            tmp_path / "s3.json",
            scope=str(disk),
            log=tmp_path / "seaweedfs.log",
        )
        stack.callback(store.stop)
        store.start()
        objects = {**store.environment, "HOLONOMY_S3_BUCKET": "full"}
        credentials = store.credentials
        client = boto3.client(
            "s3",
            endpoint_url=store.endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            region_name=seaweedfs.REGION,
        )
        with closing(client):
            client.create_bucket(Bucket="full")
        ray = RayHead(
            disk / "ray",
            ray_ports(),
            tmp_path / "ray.token",
            scope=str(disk),
            log=tmp_path / "ray.log",
            environment={**os.environ, **objects},
            cpus=1,
        )
        stack.callback(ray.stop)
        ray.start()
        environment = {**objects, **ray.client_environment}
        dispatchers = stack.enter_context(Dispatchers.of(postgres_url, environment, tmp_path))
        dispatchers.start()
        # Most of it before the job, which would otherwise be done before the disk is full.
        with (disk / "most").open("wb") as most:
            for _ in range(900):
                most.write(bytes(MEBIBYTE))
        job = queue.submit(Diagnostic(blocks=200, seconds=0.1, store_bytes=100_000))
        queue.wait(lambda: queue.job(job).blocks_done >= 5)
        filler = _fill(disk)
        queue.wait(lambda: "busy, full or broken" in (queue.job(job).reason or ""), 60)
        filler.unlink()
        queue.done(job)
        assert all(block.attempts == 0 for block in queue.blocks(job))
        stored = queue.all("select count(distinct key) from objects where job_id = :job", job=job)
        assert stored[0][0] == 200
