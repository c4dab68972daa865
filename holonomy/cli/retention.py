"""`holonomy gc` and `holonomy fsck`: for operators, with the addresses of database and bucket rather than a token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import print_json, show, tell
from holonomy.cli.stack import needs_embedded
from holonomy.errors import Refused, ServiceFault, Unconfigured
from schemas.durations import seconds_of
from schemas.mistakes import InvalidSpec
from schemas.retention import ArrayKind, Checked, Collected, Mended, Retention

if TYPE_CHECKING:
    from service.retention.operation import Operation

VARIABLES = ("HOLONOMY_DATABASE_URL", "HOLONOMY_S3_BUCKET")
FOUND_SOMETHING = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(reported(gc))
    app.command()(reported(fsck))


def gc(
    arrays_older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Drop arrays of jobs that ended so long ago, such as 30d; tables stay."),
    ] = None,
    kinds: Annotated[
        list[ArrayKind] | None, typer.Option("--kind", help="Only arrays of this kind; may be given several times.")
    ] = None,
    keep_tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Keep those of jobs with this tag.")
    ] = None,
    keep_name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Keep those of jobs with this name.")
    ] = None,
    keep_project: Annotated[
        list[str] | None, typer.Option(metavar="PROJECT", help="Keep those of jobs in this project.")
    ] = None,
    tables_older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Drop Parquet copies of tables this old; a demand writes them again."),
    ] = None,
    orphans_older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Collect objects that no row names once they are so old.")
    ] = "1d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drop what a policy lets go, and collect objects that nothing names; never one that a live row names."""
    policy = _policy(
        {
            "arrays_older_than": arrays_older_than,
            "kinds": kinds,
            "keep_tags": keep_tag,
            "keep_names": keep_name,
            "keep_projects": keep_project,
            "tables_older_than": tables_older_than,
            "orphans_older_than": orphans_older_than,
        }
    )
    with _operation() as operation:
        collected = operation.gc(policy, dry_run=dry_run)
    if as_json:
        print_json(collected)
    else:
        show_collected(collected)


def fsck(
    jobs: Annotated[
        list[int] | None, typer.Argument(metavar="[JOB]...", help="Only these and the training runs they look at.")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte, and count rows of tables.")] = False,
    mend: Annotated[
        bool,
        typer.Option("--mend", help="Compute lost objects again; of the jobs named, also what retention dropped."),
    ] = False,
    wait: Annotated[bool, typer.Option(help="With --mend: return when that has been done.")] = True,
    orphans_older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Objects that no row names count once they are so old.")
    ] = "1d",
    as_json: AsJson = False,
) -> None:
    """Compare database and bucket both ways. Exit code 1 when something is amiss, and was not mended."""
    age = _seconds(orphans_older_than)
    with _operation() as operation:
        checked = operation.fsck(
            jobs or [],
            deep=deep,
            orphans_older_than=age,
            mend=mend,
            wait_seconds=None if wait else 0.0,
            told=tell,
        )
    if as_json:
        print_json(checked)
    else:
        show_checked(checked)
    if not checked.clean:
        raise typer.Exit(FOUND_SOMETHING)


def _policy(options: dict[str, Any]) -> Retention:
    try:
        return Retention(**{name: value for name, value in options.items() if value})
    except InvalidSpec as error:
        raise Refused(str(error)) from None


def _seconds(age: str) -> float:
    try:
        return float(seconds_of(age))
    except ValueError as error:
        raise Refused(f"--orphans-older-than: {error}") from None


def show_collected(collected: Collected) -> None:
    """What went, or would, as a table."""
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in ("objects", "bytes", "jobs"):
        table.add_column(name, justify="right")
    table.add_column("would go" if collected.dry_run else "gone")
    for share in collected.shares:
        table.add_row(f"{share.objects:,}", f"{share.size_bytes:,}", f"{share.jobs:,}", share.reason)
    show(table)
    if collected.dry_run:
        tell("nothing was changed: the same command without --dry-run does it")


def show_checked(checked: Checked) -> None:
    """What was found and mended, for people."""
    read = "read" if checked.deep else "looked for"
    typer.echo(f"{read} {checked.objects:,} objects, {checked.size_bytes:,} bytes")
    for fault, count in checked.counts.items():
        typer.echo(f"{fault}: {count:,}")
        for finding in checked.examples:
            if finding.fault is fault:
                job = "" if finding.job_id is None else f"job {finding.job_id}, {finding.name}: "
                typer.echo(f"  {job}{finding.detail} ({finding.key})")
                if finding.advice is not None and checked.mended is None:
                    typer.echo(f"    → {finding.advice}")
    if not checked.counts:
        typer.echo("nothing is amiss")
    if checked.mended is not None:
        _print_mended(checked.mended)
    elif checked.counts:
        tell("`holonomy fsck --mend` computes lost objects of done jobs again")


def _print_mended(mended: Mended) -> None:
    if mended.blocks:
        typer.echo(f"{mended.blocks:,} blocks of jobs {', '.join(map(str, mended.jobs))} ran again")
    if mended.same or mended.other:
        typer.echo(f"objects with the same bytes as before: {mended.same:,}; with other bytes: {mended.other:,}")
    if mended.tables:
        typer.echo(f"Parquet copies dropped, to be written on demand: {mended.tables:,}")
    for line in mended.left:
        typer.echo(f"not mended: {line}")


@contextmanager
def _operation() -> "Iterator[Operation]":
    """Database and bucket, of the environment or of the embedded stack; what goes wrong with them is one line."""
    if not any(os.environ.get(name) for name in VARIABLES):
        _use_embedded()
    try:
        from service.errors import Refused as ServiceRefused
        from service.errors import ServiceError
        from service.retention.operation import operation

        with operation() as found:
            yield found
    except ModuleNotFoundError as error:
        raise Unconfigured(
            f"this needs the service: pip install 'holonomy[service]' ({error.name} is missing)"
        ) from None
    except (ValidationError, ValueError) as error:
        raise Unconfigured(str(error)) from None
    except ServiceRefused as error:
        raise Refused(error.detail) from None
    except ServiceError as error:
        raise ServiceFault(str(error)) from None


def _use_embedded() -> None:
    with needs_embedded():
        from service.embedded import access
        from service.embedded.home import Home, state_folder
        from service.embedded.state import read_state

        home = Home(state_folder())
        state = read_state(home)
        if state is None or state.supervisor.find() is None:
            raise Unconfigured(
                f"no database and no bucket: set {' and '.join(VARIABLES)}, or start the embedded with `holonomy up`"
            )
        # This process ends with the command; boto3 reads its credentials from here.
        os.environ.update(access.environment(home, state))
