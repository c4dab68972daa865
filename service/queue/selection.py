"""Jobs that a reader names, one by one or as the jobs of sweeps."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from service.errors import Missing

_JOBS = text("select id from jobs where id = any(:asked) order by id")
_SWEEPS = text("select id from sweeps where id = any(:asked) order by id")
_MEMBERS = text("select distinct job_id from sweep_jobs where sweep_id = any(:asked) order by job_id")


def selected(connection: Connection, jobs: Sequence[int], sweeps: Sequence[int]) -> tuple[int, ...]:
    """Numbers of the jobs named and of those in the sweeps named, each once, in order.

    Raises:
        Missing: a job or a sweep is not there.
    """
    for what, statement, asked in (("job", _JOBS, jobs), ("sweep", _SWEEPS, sweeps)):
        found = set(connection.execute(statement, {"asked": list(asked)}).scalars())
        for number in asked:
            if number not in found:
                raise Missing(f"unknown_{what}", f"there is no {what} {number}")
    members = connection.execute(_MEMBERS, {"asked": list(sweeps)}).scalars()
    return tuple(sorted({*jobs, *members}))
