"""Saved directions of a bracket job: the objects that they name must be there when it is submitted."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from schemas.brackets import Brackets
from schemas.states import TERMINAL_JOBS, JobState
from schemas.targets import SavedDirection
from service.errors import Missing, Refused

SHOWN = 10
"""Beginnings of names in a message."""

# Locked against retention, which takes nothing away that an unfinished job names.
_JOB = text("select state, kind from jobs where id = :job for key share")
_ARRAYS = text("select arrays, dropped_at from objects where job_id = :job and name = :name")


def check_directions(connection: Connection, spec: Brackets) -> None:
    """Refuse a job that projects on what is not stored. Shapes are compared by the workers, who have the model.

    Raises:
        Missing: there is no such job, or it has no such object.
        Refused: the object has no such arrays, or too few along their first axis.
    """
    for target in spec.projections:
        if isinstance(target, SavedDirection):
            _check(connection, target)


def _check(connection: Connection, target: SavedDirection) -> None:
    job = connection.execute(_JOB, {"job": target.job_id}).one_or_none()
    if job is None:
        raise Missing("unknown_direction", f"a projection names job {target.job_id}, and there is none: name another")
    stored = connection.execute(_ARRAYS, {"job": target.job_id, "name": target.object}).one_or_none()
    if stored is None:
        advice = (
            "its manifest lists what it has"
            if JobState(job.state) in TERMINAL_JOBS
            else "submit again when it has stored it"
        )
        raise Missing(
            "unknown_direction",
            f"a projection names object `{target.object}` of job {target.job_id} ({job.kind}, {job.state}), which "
            f"has none of that name: {advice}",
        )
    if stored.dropped_at is not None:
        raise Missing(
            "unknown_direction",
            f"a projection names object `{target.object}` of job {target.job_id}, which retention dropped on "
            f"{stored.dropped_at:%Y-%m-%d}: `holonomy fsck --mend {target.job_id}` computes it again",
        )
    arrays = stored.arrays
    # Objects of versions that described no arrays are left to the workers.
    found = {name: info for name, info in arrays.items() if name.startswith(target.prefix)}
    if arrays and not found:
        raise Refused(
            "unknown_direction",
            f"a projection needs arrays `{target.prefix}…` in object `{target.object}` of job {target.job_id}, which "
            f"has {', '.join(_heads(arrays)[:SHOWN])}: give another prefix",
        )
    fewest = min((info["shape"][0] if info["shape"] else 0 for info in found.values()), default=None)
    if target.position is not None and fewest is not None and target.position >= fewest:
        raise Refused(
            "unknown_direction",
            f"a projection names position {target.position} of object `{target.object}` of job {target.job_id}, "
            f"whose arrays `{target.prefix}…` hold {fewest}, numbered from 0: give a smaller one, or none for "
            "parameters",
        )


def _heads(arrays: Iterable[str]) -> list[str]:
    """What their names begin with: `parameters/` for `parameters/0.weight` and `parameters/0.bias` alike."""
    return sorted({f"{head}/" if rest else head for head, _, rest in (name.partition("/") for name in arrays)})
