"""Private servers for benches: Postgres, an S3 server and Ray in a temporary folder, ended afterwards."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.embedded import ray_head, seaweedfs
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres
from service.embedded.ray_head import RayHead
from service.embedded.seaweedfs import SeaweedFS
from service.embedded.server import Server

BUCKET = "bench"


@dataclass(frozen=True)
class Servers:
    """What a bench connects to. The environment of this process names the S3 server."""

    postgres: Postgres
    s3: SeaweedFS
    ray: RayHead


@contextmanager
def servers(cpus: int) -> Iterator[Servers]:
    """All three, ready; Ray with `cpus` cores. Everything is gone afterwards."""
    with ExitStack() as stack:
        folder, postgres, s3 = stores(stack)
        taken: list[int] = []
        for _ in ray_head.ROLES:
            taken.append(free_port(taken=taken))
        ray = RayHead(
            folder / "ray",
            dict(zip(ray_head.ROLES, taken, strict=True)),
            folder / "secrets" / "ray.token",
            scope=str(folder),
            log=folder / "ray.log",
            environment=dict(os.environ),
            cpus=cpus,
        )
        up(stack, ray)
        os.environ.update(ray.client_environment)
        yield Servers(postgres, s3, ray)


def stores(stack: ExitStack) -> tuple[Path, Postgres, SeaweedFS]:
    """A temporary folder, and Postgres and an S3 server in it, ready; the environment names the S3 server."""
    folder = Path(tempfile.mkdtemp(prefix="holonomy-bench-", dir="/tmp"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o711)
    (folder / "secrets").mkdir(mode=0o700)
    scope = str(folder)
    postgres = Postgres(
        folder / "postgres", free_port(), secrets.token_hex(8), scope=scope, log=folder / "postgres.log"
    )
    up(stack, postgres)
    identity = folder / "secrets" / "s3.json"
    s3 = SeaweedFS(folder / "seaweedfs", seaweedfs.free_ports(), identity, scope=scope, log=folder / "seaweedfs.log")
    up(stack, s3)
    os.environ.update({**s3.environment, "HOLONOMY_S3_BUCKET": BUCKET})
    return folder, postgres, s3


def up(stack: ExitStack, server: Server) -> None:
    """Start a server, and end it with the stack."""
    server.start()
    stack.callback(server.stop)
