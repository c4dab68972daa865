"""From errors to exit codes: one line on standard error, no traceback for a user's mistake.

0 done; 1 what was waited for failed or was cancelled; 2 usage or bad input; 3 the service is away or at fault;
130 Ctrl-C.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

from holonomy.errors import HolonomyError, JobEnded, Refused, ServiceFault, SweepEnded, Unreachable

P = ParamSpec("P")

JOB_FAILED, BAD_INPUT, SERVICE_AWAY, INTERRUPTED = 1, 2, 3, 130
SHOWN_MISTAKES = 3


def exit_code(error: HolonomyError) -> int:
    """The exit code an error stands for."""
    if isinstance(error, JobEnded | SweepEnded):
        return JOB_FAILED
    return SERVICE_AWAY if isinstance(error, Unreachable | ServiceFault) else BAD_INPUT


def reported(command: Callable[P, None], *, code: Callable[[HolonomyError], int] = exit_code) -> Callable[P, None]:
    """A command whose known errors are printed as one line and become its exit code.

    Args:
        command: The command.
        code: The exit code that an error stands for.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except HolonomyError as error:
            typer.echo(f"holonomy: {error}", err=True)
            # The message holds the first few mistakes; with more than that, all are listed.
            for item in error.errors if isinstance(error, Refused) and len(error.errors) > SHOWN_MISTAKES else ():
                typer.echo(f"  {item.get('where')}: {item.get('message')}", err=True)
            raise typer.Exit(code(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None

    return run
