"""Objects of a job: by name, and checkpoints by step."""

from sqlalchemy import Connection, select

from schemas.api import Job
from schemas.blocks import ObjectRef
from service.api.problems import ProblemError
from service.db.tables import objects
from service.errors import Missing
from service.queue import history, jobs

_CHECKPOINTS = "checkpoints/"
_SHOWN_STEPS = 20


def find(connection: Connection, job_id: int, name: str) -> ObjectRef:
    """An object of a job.

    Raises:
        Missing: there is no such job.
        ProblemError: 404, the job has no such object, saying where to look.
    """
    job = jobs.job(connection, job_id)
    try:
        return history.named_object(connection, job_id, name)
    except Missing:
        raise ProblemError(
            "not_found",
            f"job {job_id} ({job.kind}, {job.state}) has no object {name!r}; the route without it lists them",
        ) from None


def find_checkpoint(connection: Connection, job_id: int, step: int) -> ObjectRef:
    """The checkpoint of a training run at a step; a brackets job answers with that of the run it looks at.

    Raises:
        Missing: there is no such job.
        ProblemError: 404, naming the steps that are there.
    """
    job = jobs.job(connection, job_id)
    for run in (job_id, *job.parents):
        try:
            return history.named_object(connection, run, f"{_CHECKPOINTS}{step:09d}")
        except Missing:
            continue
    steps = ", ".join(map(str, _kept_steps(connection, job))) or "none yet"
    raise ProblemError(
        "not_stored",
        f"job {job_id} ({job.kind}, {job.state}) has no checkpoint at step {step}; there are: {steps}. "
        f"To keep it, put {step} into `checkpoints` of the training spec",
    )


def _kept_steps(connection: Connection, job: Job) -> list[int]:
    query = (
        select(objects.c.name)
        .where(
            objects.c.job_id.in_((job.id, *job.parents)),
            objects.c.name.startswith(_CHECKPOINTS),
            objects.c.dropped_at.is_(None),
        )
        .order_by(objects.c.name)
        .limit(_SHOWN_STEPS)
    )
    return [int(name.removeprefix(_CHECKPOINTS)) for name in connection.scalars(query)]
