"""`holonomy compare`."""

import functools
import traceback
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from holonomy.cli.faults import BAD_INPUT, SERVICE_AWAY, exit_code, reported
from holonomy.cli.output import print_json, show, tell
from holonomy.client import Client
from holonomy.errors import HolonomyError, Refused

P = ParamSpec("P")

CHANGED = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(like_diff(compare))


def compare(
    sides: Annotated[
        list[str],
        typer.Argument(
            metavar="A [B]",
            help="Two sweeps (`sweep:12`) or lists of jobs (`jobs:3,4,5`), the earlier first; or the name of a "
            "schedule, whose last two finished firings are compared.",
        ),
    ],
    instants: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B", help="Two instants of the schedule, such as 2026-11-20T02:30, the earlier first."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="TABLE.COLUMN or REDUCTION(TABLE.COLUMN[CONDITION])@STEP, such as median(pairs.defect)@last; may be "
            "given several times. By default median defects and the RMS of brackets, the mean end distance of "
            "replicas, the test loss of training runs."
        ),
    ] = None,
    threshold: Annotated[str | None, typer.Option(help="Smaller relative changes do not count, such as 5%.")] = None,
    confidence: Annotated[float, typer.Option(help="Probability that all intervals hold at once.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Say whether order dependence changed between two sweeps, or two nights, beyond the spread over seeds.

    Exit codes are those of diff: 0 no change; 1 changed; 2 bad input, jobs that have not finished, fewer than two
    seeds, or values missing on one side alone; 3 the service is away or at fault.
    """
    from holonomy.compare.report import comparison_json, comparison_report

    with Client() as client:
        metrics = tuple(metric or ()) or None
        if len(sides) == 1 and ":" not in sides[0]:
            found = client.schedules.get(sides[0]).compare(
                instants, metric=metrics, threshold=threshold, confidence=confidence
            )
        elif len(sides) == 2:
            if instants is not None:
                raise Refused(
                    "--instants are those of a schedule: name one schedule, or two sweeps without --instants"
                )
            a, b = map(read_side, sides)
            found = client.compare(a, b, metric=metrics, threshold=threshold, confidence=confidence)
        else:
            raise Refused(
                f"expected two sides, such as sweep:12 sweep:14, or the name of one schedule; came {' '.join(sides)}"
            )
    if as_json:
        print_json(comparison_json(found))
    else:
        for part in comparison_report(found):
            show(part)
    if found.changed:
        raise typer.Exit(CHANGED)
    if found.incomplete:
        tell("holonomy: values are missing on one side, so that this is no finding of no change")
        raise typer.Exit(BAD_INPUT)


def read_side(text: str) -> int | list[int]:
    """The number of a sweep, or numbers of jobs, from `sweep:12` or `jobs:3,4,5`.

    Raises:
        Refused: it is neither.
    """
    kind, _, numbers = text.rpartition(":")
    listed = numbers.split(",")
    if all(number.isdecimal() for number in listed):
        if kind in ("sweep", "") and len(listed) == 1:
            return int(numbers)
        if kind == "jobs":
            return [int(number) for number in listed]
    raise Refused(f"a side reads sweep:12 or jobs:3,4,5; came {text!r}")


def like_diff(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose exit code 1 means that it found a difference, and nothing else."""
    told = reported(command, code=_trouble)

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            told(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except Exception:
            # Python itself would exit with 1.
            traceback.print_exc()
            raise typer.Exit(SERVICE_AWAY) from None

    return run


def _trouble(error: HolonomyError) -> int:
    return max(BAD_INPUT, exit_code(error))
