"""Whether jobs and their blocks are limited: `capped`, as of the limits of the job, its sweep and its project now.

Claims take blocks that are not capped without looking at any limit, so that a limit that appears has to reach them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

LIMITED = "coalesce(j.max_running, s.max_running_blocks, p.max_running_blocks) is not null"
"""Whether a limit on running blocks applies to job j of sweep s and project p."""

_JOBS_AT_ONCE, _BLOCKS_AT_ONCE = 200, 20_000

_JOBS = f"""
    select j.id, j.blocks_total, {LIMITED} as capped, j.state = 'running' and j.capped <> ({LIMITED}) as stale
    from jobs j join projects p on p.name = j.project left join sweeps s on s.id = j.sweep_id
"""  # noqa: S608 - constants only
_STALE = text(f"{_JOBS} where j.state = 'running' and j.capped <> ({LIMITED}) order by j.id limit :limit")
_LOCK = text(f"{_JOBS} where j.id = any(:jobs) order by j.id for no key update of j")
_FLIP = text("update jobs set capped = not capped where id = any(:jobs)")
_SET = text(f"""
    update jobs set capped = (
        select {LIMITED} from jobs j join projects p on p.name = j.project left join sweeps s on s.id = j.sweep_id
        where j.id = :job
    )
    where id = :job returning blocks_total
""")  # noqa: S608 - constants only
_AHEAD = text("""
    update blocks set capped = :capped
    where job_id = :job and state <> 'done' and capped <> :capped and seq >= :start and seq < :stop
""")
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
    with engine.connect() as connection:
        stale = connection.execute(_STALE, {"limit": _JOBS_AT_ONCE}).all()
    jobs, blocks = list[int](), 0
    for row in stale:
        if row.blocks_total > _BLOCKS_AT_ONCE:
            _go_ahead(engine, row.id, row.blocks_total, capped=row.capped)
        jobs.append(row.id)
        blocks += row.blocks_total
        if blocks >= _BLOCKS_AT_ONCE:
            break
    with engine.begin() as connection:
        locked = connection.execute(_LOCK, {"jobs": jobs}).all()
        connection.execute(_FLIP, {"jobs": [row.id for row in locked if row.stale]})
        # Also those whose limits have changed back meanwhile: some of their blocks have gone ahead.
        _follow(connection, jobs, max((row.blocks_total for row in locked), default=0))
    return len(jobs)


def _go_ahead(engine: Engine, job_id: int, blocks: int, *, capped: bool) -> None:
    """Change most blocks of a large job before the job, whose lock would stop its commits for seconds."""
    for start in range(0, blocks, _BLOCKS_AT_ONCE):
        values = {"job": job_id, "capped": capped, "start": start, "stop": start + _BLOCKS_AT_ONCE}
        with engine.begin() as connection:
            connection.execute(_AHEAD, values)


def _follow(connection: Connection, jobs: Sequence[int], blocks: int) -> None:
    for start in range(0, blocks, _BLOCKS_AT_ONCE):
        connection.execute(_FOLLOW, {"jobs": jobs, "start": start, "stop": start + _BLOCKS_AT_ONCE})
