"""Checks of everything the service stands on: what was found, and how to mend what is wrong."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from service.administration import reason
from service.db.engine import connect, described
from service.db.migrate import current, head
from service.settings import Settings

OLDEST_POSTGRES = 15
_PROBE_SECONDS = 30.0
_SCARCE_BYTES = 5 * 10**9
_PACKAGES = ("holonomy", "ray", "torch", "boto3", "sqlalchemy", "psycopg2-binary", "pydantic", "fastapi")
_TORCH = (
    "import json, torch; print(json.dumps([torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]))"
)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    name: str
    """What was checked."""
    state: Literal["ok", "warning", "failed"]
    """Only `failed` keeps the service from working."""
    found: str
    """What was found."""
    mend: str | None = None
    """How to mend it."""


def examine(folder: Path) -> Iterator[Finding]:
    """Check what the environment configures, one finding after the other.

    Args:
        folder: where local data are kept; its disk is checked.
    """
    yield _packages()
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = f"HOLONOMY_{str(problem['loc'][0]).upper()}"
            yield Finding("configuration", "failed", f"{name}: {problem['msg']}", f"correct or unset {name}")
        return
    yield from _database(settings)
    yield from _bucket(settings)
    yield from _ray(settings)
    yield _gpus()
    yield _disk(folder)


def _packages() -> Finding:
    versions: dict[str, str] = {}
    missing: list[str] = []
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("libraries", "failed", f"missing: {', '.join(missing)}", "pip install 'holonomy[embedded]'")
    return Finding("libraries", "ok", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        yield _unset("database", "HOLONOMY_DATABASE_URL")
        return
    url = settings.database_url.get_secret_value()
    try:
        engine = connect(url, application="holonomy doctor", pool_size=1, statement_timeout_seconds=5)
    except ValueError as error:
        yield Finding("database", "failed", str(error), "correct HOLONOMY_DATABASE_URL")
        return
    try:
        with engine.connect() as connection:
            yield from _schema(connection, described(url))
    except SQLAlchemyError as error:
        mend = "see that Postgres runs and that HOLONOMY_DATABASE_URL names it; the embedded one: holonomy up"
        yield Finding("database", "failed", f"{described(url)}: {reason(error)}", mend)
    finally:
        engine.dispose()


def _schema(connection: Connection, where: str) -> Iterator[Finding]:
    version = connection.execute(text("show server_version")).scalar_one()
    if int(version.split(".")[0].split("rc")[0].split("beta")[0]) < OLDEST_POSTGRES:
        yield Finding(
            "database", "failed", f"{where}: Postgres {version}", f"use Postgres {OLDEST_POSTGRES} or newer"
        )
        return
    yield Finding("database", "ok", f"{where}: Postgres {version}")
    at, needed = current(connection), head()
    if at == needed:
        yield Finding("schema", "ok", f"revision {at}")
    else:
        yield Finding(
            "schema", "failed", f"revision {at or 'none'}, this version needs {needed}", "holonomy db upgrade"
        )


def _bucket(settings: Settings) -> Iterator[Finding]:
    if settings.s3_bucket is None:
        yield _unset("bucket", "HOLONOMY_S3_BUCKET")
        return
    bucket = settings.s3_bucket
    client = boto3.session.Session().client(
        "s3",
        config=Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"total_max_attempts": 2},
            request_checksum_calculation=settings.checksums,
            response_checksum_validation=settings.checksums,
        ),
    )
    key = f"doctor/{secrets.token_hex(8)}"
    where = f"{bucket} at {client.meta.endpoint_url}"
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b"holonomy")
        conditional = _refuses_second_write(client, bucket, key)
        intact = client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"holonomy"
        client.delete_object(Bucket=bucket, Key=key)
    except (BotoCoreError, ClientError) as error:
        mend = "check HOLONOMY_S3_BUCKET and boto3's AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
        yield Finding(
            "bucket", "failed", f"{where}: {error}", f"{mend}; some stores need HOLONOMY_CHECKSUMS=when_required"
        )
        return
    finally:
        client.close()
    if not intact:
        yield Finding("bucket", "failed", f"{where}: read something else than was written", "use another store")
    else:
        yield Finding("bucket", "ok", f"{where}: write, read and delete work")
    if conditional:
        yield Finding("conditional writes", "ok", "a second write with If-None-Match is refused")
    else:
        mend = "harmless, as keys carry content and run; SeaweedFS, Ceph RGW and AWS have them"
        yield Finding("conditional writes", "warning", "the store ignores If-None-Match", mend)


def _refuses_second_write(client: Any, bucket: str, key: str) -> bool:
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b"holonomy", IfNoneMatch="*")
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 412)
    return False


def _ray(settings: Settings) -> Iterator[Finding]:
    address = settings.ray_address
    if address is None:
        yield _unset("ray", "HOLONOMY_RAY_ADDRESS")
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
    except (OSError, ValueError) as error:
        mend = "see that Ray runs and that HOLONOMY_RAY_ADDRESS is its host:port; the embedded one: holonomy up"
        yield Finding("ray", "failed", f"{address}: {error}", mend)
        return
    resources, failure = _probe([sys.executable, "-m", "service.embedded.ray_probe", address])
    if failure is not None:
        mend = "use the same Ray and Python versions everywhere, and the token (RAY_AUTH_MODE, RAY_AUTH_TOKEN_PATH)"
        yield Finding("ray", "failed", f"{address}: {failure}", mend)
        return
    cores, gpus = resources.get("CPU", 0), resources.get("GPU", 0)
    found = f"{address}: version {metadata.version('ray')}, {cores:g} cores, {gpus:g} GPUs"
    if cores or gpus:
        yield Finding("ray", "ok", found)
    else:
        yield Finding("ray", "failed", found, "start a Ray worker node with at least one core")


def _gpus() -> Finding:
    names, failure = _probe([sys.executable, "-c", _TORCH])
    if failure is not None:
        return Finding("gpus", "failed", f"torch does not load: {failure}", "pip install 'holonomy[workers]'")
    if names:
        return Finding("gpus", "ok", ", ".join(names))
    if shutil.which("nvidia-smi"):
        mend = "install the build of torch for your CUDA version (https://pytorch.org)"
        return Finding("gpus", "warning", "this machine has an NVIDIA driver, but torch sees no GPU", mend)
    return Finding("gpus", "ok", "none here; CPU workers are used")


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.0f} GB free at {folder}"
    if free < _SCARCE_BYTES:
        return Finding("disk", "warning", found, "make room, or choose another folder with HOLONOMY_HOME")
    return Finding("disk", "ok", found)


def _unset(name: str, variable: str) -> Finding:
    return Finding(
        name, "failed", f"{variable} is not set and no embedded stack runs", f"holonomy up, or set {variable}"
    )


def _probe(command: list[str]) -> tuple[Any, str | None]:
    """What a program prints as JSON on its last line, or why it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {_PROBE_SECONDS:g} s"
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1]), None
