"""`holonomy schedule`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.labels import AtMost
from holonomy.cli.output import console, print_json, show, tell
from holonomy.cli.render_schedules import firing_table, next_instant, planned_table, schedule_table, schedule_text
from holonomy.cli.specfile import read_schedule
from holonomy.client import Client
from schemas.schedules import MOST_PREVIEWED, ScheduleDetail
from schemas.states import FiringState

ScheduleName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]
Count = Annotated[int, typer.Option("--count", "-n", help="How many.", min=1, max=MOST_PREVIEWED)]
_MOMENT = "such as 2026-11-20 or 2026-11-20T02:30; by the clock of the schedule, unless it has an offset"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        name="schedule", help="Fire sweeps and jobs at cron instants in a time zone.", no_args_is_help=True
    )
    group.command("list")(reported(list_))
    group.command("show")(reported(show_))
    for command in (create, preview, pause, resume, trigger, backfill, history, delete):
        group.command()(reported(command))
    app.add_typer(group)


def create(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Schedule in YAML or JSON: name, cron, timezone, sweep and more.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the one of its name, which keeps its history.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show its first firings and make nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a schedule of a file."""
    request = read_schedule(file)
    with Client() as client:
        if dry_run:
            planned = client.schedules.preview(request)
            if as_json:
                print_json(planned)
            else:
                show(planned_table(planned))
            return
        made = client.schedules.submit(request, replace=replace).detail()
    if as_json:
        print_json(made)
    elif made.paused_at is not None:
        tell(f"schedule {made.name} is paused: `holonomy schedule resume {made.name}` goes on with it")
    else:
        tell(f"schedule {made.name} first fires at {made.next_at}")


def list_(as_json: AsJson = False) -> None:
    """List schedules, with their next instant and what became of the latest."""
    with Client() as client:
        found = [handle.seen for handle in client.schedules.list()]
    if as_json:
        print_json(found)
    elif found:
        show(schedule_table(found))
    else:
        tell("no schedules; `holonomy schedule create FILE` makes one")


def show_(name: ScheduleName, as_json: AsJson = False) -> None:
    """Show a schedule: when it fires, how it stands, what it fires."""
    with Client() as client:
        _print(client.schedules.get(name).detail(), as_json=as_json)


def preview(name: ScheduleName, count: Count = 5, as_json: AsJson = False) -> None:
    """Show the next firings, with their seeds, names and tags."""
    with Client() as client:
        planned = client.schedules.get(name).preview(count)
    if as_json:
        print_json(planned)
    else:
        show(planned_table(planned))


def pause(
    name: ScheduleName,
    reason: Annotated[str | None, typer.Option(help="Why, for those who find it paused.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a schedule back; instants that pass meanwhile neither fire nor count as missed."""
    with Client() as client:
        answer = client.schedules.get(name).pause(reason)
    if as_json:
        print_json(answer)
    else:
        tell(f"schedule {name} is paused; what runs goes on")


def resume(name: ScheduleName, as_json: AsJson = False) -> None:
    """Go on with a paused schedule, from its next instant."""
    with Client() as client:
        answer = client.schedules.get(name).resume()
    if as_json:
        print_json(answer)
    else:
        tell(f"schedule {name} next fires at {next_instant(answer)}")


def trigger(
    name: ScheduleName,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the firing has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fire a schedule now, paused or not."""
    with Client() as client:
        handle = client.schedules.get(name)
        firing = handle.trigger()
        final = handle.wait(firing) if wait else firing
    if as_json:
        print_json(final)
    elif wait:
        show(firing_table([final], handle.seen.timezone))
    else:
        tell(f"schedule {name} fires within seconds: `holonomy schedule history {name}` shows its sweep")


def backfill(
    name: ScheduleName,
    start: Annotated[str, typer.Argument(metavar="START", help=f"First moment, {_MOMENT}.")],
    end: Annotated[str, typer.Argument(metavar="END", help="Moment after the last, not later than now.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would fire, and fire nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fire the instants of a time that has passed; those that have fired are not repeated."""
    with Client() as client:
        answer = client.schedules.get(name).backfill(start, end, dry_run=dry_run)
    if as_json:
        print_json(answer)
        return
    for instant in answer.fired if dry_run else ():
        typer.echo(instant.isoformat())
    does = "would fire" if dry_run else "fire now"
    tell(f"{len(answer.fired):,} instants {does}; {len(answer.kept):,} have fired before and stay as they are")


def history(
    name: ScheduleName,
    state: Annotated[
        FiringState | None, typer.Option(help=f"Only firings in this state: {', '.join(FiringState)}.")
    ] = None,
    limit: AtMost = 20,
    as_json: AsJson = False,
) -> None:
    """List what became of a schedule's instants, the latest first."""
    with Client() as client:
        handle = client.schedules.get(name)
        firings = list(handle.history(state=state, limit=limit))
    if as_json:
        print_json(firings)
    elif firings:
        show(firing_table(firings, handle.seen.timezone))
    else:
        tell(f"schedule {name} has no firing" + (f" that is {state}" if state else " yet"))


def delete(name: ScheduleName) -> None:
    """Delete a schedule; what it fired stays."""
    with Client() as client:
        client.schedules.get(name).delete()
    tell(f"schedule {name} is deleted")


def _print(detail: ScheduleDetail, *, as_json: bool) -> None:
    if as_json:
        print_json(detail)
    else:
        console().print(schedule_text(detail), markup=False, soft_wrap=True)
