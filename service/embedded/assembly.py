"""The stack put together: which servers there are, on which ports, with which environment, and who waits for whom."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg2

from service.db.reader import reader_url
from service.embedded import ray_head, seaweedfs
from service.embedded.children import Child
from service.embedded.environment import TOKEN_FILE, inherited
from service.embedded.home import Home
from service.embedded.ports import free_port, of_server
from service.embedded.postgres import DATABASE, USER, Postgres
from service.embedded.program import Once, Program, healthy, listens
from service.embedded.ray_head import RayHead
from service.embedded.seaweedfs import SeaweedFS
from service.embedded.secret_files import kept_secret
from service.scheduler.presence import ALIVE, application_of
from service.settings import Settings

BUCKET = "holonomy"
API_PORT = 8321
"""Taken when it is free: people remember it."""

_BEATS = "select 1 from dispatchers where id like %s and heartbeat_at > now() - interval '15 seconds'"


@dataclass(frozen=True)
class Stack:
    """The children, and what the state says of them."""

    children: tuple[Child, ...]
    ports: dict[str, int]
    s3_endpoint: str
    database: str
    ray_address: str

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.ports['api']}"


def choose_ports(previous: Mapping[str, int]) -> dict[str, int]:
    """A free port for every role; those of last time where they are free."""
    chosen: dict[str, int] = {}
    for role, paired in _ROLES.items():
        preferred = previous.get(role, API_PORT if role == "api" else None)
        chosen[role] = free_port(preferred, taken=chosen.values(), paired=paired)
    return chosen


def assemble(home: Home, previous_ports: Mapping[str, int]) -> Stack:
    """Servers in the order in which they start. Ray, the slowest, first; the S3 server beside Postgres.

    The API, the scheduler and the dispatcher are told addresses alone: they reconnect by themselves when a server
    comes back.
    """
    ports = choose_ports(previous_ports)
    scope = str(home.path)
    base = inherited(os.environ)
    store = SeaweedFS(
        home.path / "seaweedfs",
        of_server("seaweedfs", ports),
        home.secrets / "s3.json",
        scope=scope,
        log=home.log("seaweedfs"),
    )
    objects = {**base, **store.environment, "HOLONOMY_S3_BUCKET": BUCKET, "HOLONOMY_HOME": scope}
    ray = RayHead(
        home.path / "ray",
        of_server("ray", ports),
        home.secrets / "ray.token",
        scope=scope,
        log=home.log("ray"),
        environment=objects,
    )
    password = kept_secret(home.secrets / "postgres.password")
    postgres = Postgres(home.path / "postgres", ports["postgres"], password, scope=scope, log=home.log("postgres"))
    environment = {
        **objects,
        **ray.client_environment,
        "HOLONOMY_DATABASE_URL": postgres.url,
        "HOLONOMY_READER_DATABASE_URL": reader_url(postgres.url, kept_secret(home.reader_password)),
        "HOLONOMY_API_HOST": "127.0.0.1",
        TOKEN_FILE: str(home.api_token),
        "PYTHONUNBUFFERED": "1",
    }

    def beats(pid: int) -> bool:
        return _found(postgres.url, _BEATS, f"%:{pid}:%")

    def looks(pid: int) -> bool:
        return _found(postgres.url, ALIVE, application_of(pid))

    def api_port() -> dict[str, str]:
        # Between the choice and now, another stack may have taken the port that all of them like best.
        others = [port for role, port in ports.items() if role != "api"]
        ports["api"] = free_port(ports["api"], taken=others)
        return {"HOLONOMY_API_PORT": str(ports["api"])}

    api = Program(
        "api",
        "service.api",
        scope=scope,
        log=home.log("api"),
        environment=environment,
        answers=lambda pid: listens(pid, ports["api"]) and healthy(ports["api"], "/readyz"),
        # It is not to blame when the database or the bucket is away.
        still_answers=lambda _: healthy(ports["api"], "/healthz"),
        variables=api_port,
    )
    dispatcher = Program(
        "dispatcher",
        "service.dispatcher",
        scope=scope,
        log=home.log("dispatcher"),
        environment=environment,
        answers=beats,
        # Without the database it cannot beat.
        still_answers=lambda pid: beats(pid) or not postgres.ready(),
        # It lets running blocks finish within the grace, and then gives back those that did not.
        stop_seconds=Settings().grace_seconds + 3.0,
    )
    scheduler = Program(
        "scheduler",
        "service.scheduler",
        scope=scope,
        log=home.log("scheduler"),
        environment=environment,
        answers=looks,
        # Without the database there is nothing to look at.
        still_answers=lambda pid: looks(pid) or not postgres.ready(),
    )
    prepare = Once(
        "prepare",
        "service.embedded.prepare",
        scope=scope,
        log=home.log("prepare"),
        environment=environment,
        answers=lambda _: True,
    )
    return Stack(
        children=(
            Child(ray),
            Child(store),
            Child(postgres),
            Child(prepare, needs=("postgres",)),
            # Its imports take as long as the preparation; until that is done it answers that it is not ready.
            Child(api, needs=("postgres",)),
            Child(scheduler, needs=("prepare",)),
            Child(dispatcher, needs=("ray", "prepare"), follows=("ray",)),
        ),
        ports=ports,
        s3_endpoint=store.endpoint,
        database=f"postgresql://{USER}@127.0.0.1:{ports['postgres']}/{DATABASE}",
        ray_address=ray.address,
    )


_ROLES = {
    "api": False,
    "postgres": False,
    **{f"seaweedfs.{role}": True for role in seaweedfs.ROLES},
    **{f"ray.{role}": False for role in ray_head.ROLES},
}


def _found(url: str, query: str, argument: str) -> bool:
    try:
        connection = psycopg2.connect(url, connect_timeout=2, options="-c statement_timeout=2000")
    except psycopg2.Error:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, (argument,))
            return cursor.fetchone() is not None
    except psycopg2.Error:
        return False
    finally:
        connection.close()
