"""Whether jobs and their blocks are limited: `capped`, as of the limits of the job, its sweep and its project now.

Claims take blocks that are not capped without looking at any limit, so that a limit that appears has to reach them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

LIMITED = "coalesce(j.max_running, s.max_running_blocks, p.max_running_blocks) is not null"
"""Whether a limit on running blocks applies to job j of sweep s and project p."""

_JOBS_AT_ONCE, _BLOCKS_AT_ONCE = 200, 20_000

_STALE = text(f"""
    select j.id, j.blocks_total
    from jobs j join projects p on p.name = j.project left join sweeps s on s.id = j.sweep_id
    where j.state = 'running' and j.capped <> ({LIMITED})
    order by j.id limit :limit for no key update of j
""")  # noqa: S608 - constants only
_FLIP = text("update jobs set capped = not capped where id = any(:jobs)")
_SET = text(f"""
    update jobs set capped = (
        select {LIMITED} from jobs j join projects p on p.name = j.project left join sweeps s on s.id = j.sweep_id
        where j.id = :job
    )
    where id = :job returning blocks_total
""")  # noqa: S608 - constants only
# Those that run as well: after a failure they are ready again.
_FOLLOW = text("""
    update blocks b set capped = j.capped from jobs j
    where j.id = b.job_id and b.job_id = any(:jobs) and b.state <> 'done' and b.capped <> j.capped
      and b.seq >= :start and b.seq < :stop
""")


def recap(engine: Engine) -> int:
    """Bring all running jobs and their blocks in line with the limits there are; how many jobs changed.

    Done piece by piece, each in a transaction of its own: what is interrupted goes on at the next call.
    """
    changed = 0
    while piece := _recap_some(engine):
        changed += piece
    return changed


def recap_job(connection: Connection, job_id: int) -> None:
    """Bring a locked job that runs again, and its blocks, in line with the limits there are."""
    _follow(connection, [job_id], connection.execute(_SET, {"job": job_id}).scalar_one())


def _recap_some(engine: Engine) -> int:
    with engine.begin() as connection:
        jobs, blocks = list[int](), 0
        for row in connection.execute(_STALE, {"limit": _JOBS_AT_ONCE}):
            jobs.append(row.id)
            blocks += row.blocks_total
            if blocks >= _BLOCKS_AT_ONCE:
                break
        if jobs:
            connection.execute(_FLIP, {"jobs": jobs})
            _follow(connection, jobs, blocks)
        return len(jobs)


def _follow(connection: Connection, jobs: Sequence[int], blocks: int) -> None:
    for start in range(0, blocks, _BLOCKS_AT_ONCE):
        connection.execute(_FOLLOW, {"jobs": jobs, "start": start, "stop": start + _BLOCKS_AT_ONCE})
