"""Following a sweep until all its jobs have ended, through restarts of the service."""

import time
from collections.abc import Callable, Iterator

from holonomy.connection import Connection
from holonomy.errors import Unreachable, WaitTimeout
from holonomy.follow import Deadline, Patience
from schemas.states import TERMINAL_SWEEPS
from schemas.sweep_bodies import SweepDetail

LONGEST_PAUSE_SECONDS = 3.0


def follow_sweep(
    connection: Connection,
    sweep_id: int,
    patience: Patience | None = None,
    on_outage: Callable[[str], None] = lambda _: None,
) -> Iterator[SweepDetail]:
    """The sweep at once and then every so often; ends after a terminal state.

    Args:
        connection: To the service.
        sweep_id: The sweep.
        patience: How long to wait.
        on_outage: Told, in one line, when the service is away.

    Raises:
        WaitTimeout: jobs were still going in time.
        Unreachable: the service stayed away for longer than `outage_seconds`.
    """
    patience = Patience() if patience is None else patience
    outage, pause = Deadline(patience.outage_seconds), patience.poll_seconds
    while True:
        try:
            sweep = connection.get(f"/v1/sweeps/{sweep_id}", SweepDetail)
        except Unreachable as error:
            if outage.passed:
                raise
            on_outage(str(error))
        else:
            yield sweep
            if sweep.state in TERMINAL_SWEEPS:
                return
            outage = Deadline(patience.outage_seconds)
        if patience.deadline.passed:
            raise WaitTimeout(
                f"sweep {sweep_id} is still going after {patience.deadline.seconds:g} s; it goes on without you: "
                f"`holonomy sweep watch {sweep_id}` comes back to it"
            )
        time.sleep(patience.deadline.left(pause))
        # The counts of a long sweep change slowly, and those of a large one take the database a while.
        pause = min(LONGEST_PAUSE_SECONDS, pause * 1.2)
