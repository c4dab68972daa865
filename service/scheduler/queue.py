"""The queue of sweeps, as the scheduler sees it, on the real one."""

from sqlalchemy import Connection

from schemas.sweep_bodies import SweepSubmission
from service.queue.sweeps.stop import cancel_sweep
from service.queue.sweeps.submit import submit_sweep
from service.scheduler.sweeps import Sweeps


def queue_of(version: str) -> Sweeps:
    """The queue; `version` is noted as that of the service that accepted the sweeps."""

    def submit(connection: Connection, submission: SweepSubmission, submitted_by: str) -> int:
        # Every firing has a sweep of its own, also one whose jobs have all been there before.
        made = submit_sweep(connection, submission, submitted_by=submitted_by, version=version, always=True)
        return made.sweep_id

    def cancel(connection: Connection, sweep_id: int) -> None:
        cancel_sweep(connection, sweep_id)

    return Sweeps(submit, cancel)
