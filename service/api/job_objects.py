"""Objects of a job by name."""

from typing import Any

from sqlalchemy import Connection, Row, select

from schemas.blocks import ObjectRef
from service.api.problems import ProblemError
from service.db.tables import job_parents, jobs, objects

COLUMNS = (objects.c.name, objects.c.key, objects.c.sha256, objects.c.size_bytes, objects.c.arrays)


def reference(row: Row[Any]) -> ObjectRef:
    """The reference in a row that holds `COLUMNS`."""
    values = row._mapping
    return ObjectRef.model_validate({column.name: values[column.name] for column in COLUMNS})


def find(connection: Connection, job_id: int, name: str) -> ObjectRef:
    """An object of a job.

    Raises:
        ProblemError: 404, saying where to look.
    """
    row = connection.execute(select(*COLUMNS).where(objects.c.job_id == job_id, objects.c.name == name)).one_or_none()
    if row is None:
        kind, state = kind_and_state(connection, job_id)
        raise ProblemError(
            "not_found",
            f"job {job_id} ({kind}, {state}) has no object {name!r}: GET /v1/jobs/{job_id}/objects lists them",
        )
    return reference(row)


def find_checkpoint(connection: Connection, job_id: int, step: int) -> ObjectRef:
    """The checkpoint of a training run at a step; a brackets job answers with that of the run it looks at.

    Raises:
        ProblemError: 404, naming the steps that are there.
    """
    kind, state = kind_and_state(connection, job_id)
    runs = {job_id, *connection.scalars(select(job_parents.c.parent_id).where(job_parents.c.job_id == job_id))}
    kept = select(*COLUMNS).where(objects.c.job_id.in_(runs), objects.c.name.startswith("checkpoints/"))
    found = {int(row.name.removeprefix("checkpoints/")): row for row in connection.execute(kept.order_by("name"))}
    if step not in found:
        steps = ", ".join(map(str, list(found)[:20])) or "none yet"
        raise ProblemError(
            "not_found",
            f"job {job_id} ({kind}, {state}) has no checkpoint at step {step}; there are: {steps}. "
            f"To keep it, put {step} into `checkpoints` of the training spec",
        )
    return reference(found[step])


def kind_and_state(connection: Connection, job_id: int) -> tuple[str, str]:
    """What a job is and where it stands.

    Raises:
        ProblemError: 404, there is no such job.
    """
    row = connection.execute(select(jobs.c.kind, jobs.c.state).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise ProblemError("not_found", f"there is no job {job_id}: GET /v1/jobs lists them")
    return row.kind, row.state
