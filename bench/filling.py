"""Fills a queue with finished and ready blocks, as after months of use."""

from sqlalchemy import Engine, text

_JOB = text("""
    insert into jobs (digest, latest, kind, spec, state, submitted_by, version, blocks_total, blocks_done, phase_end)
    values (repeat('0', 64), false, 'diagnostic', '{"kind": "diagnostic"}', :state, 'bench', '0', :total, :done,
            :total)
    returning id
""")
_BLOCKS = text("""
    insert into blocks (job_id, seq, phase, kind, payload, state, priority)
    select :job, n, 0, 'diagnostic_block', jsonb_build_object('kind', 'diagnostic_block', 'index', n), :state, 0
    from generate_series(0, :count - 1) as n
""")

_SWEEP = text("""
    insert into sweeps (digest, latest, spec, max_running_blocks, jobs_total, submitted_by, version)
    values (repeat('0', 64), false, '{}', :limit, :jobs, 'bench', '0') returning id
""")
_SWEPT = text("""
    insert into jobs (digest, latest, kind, spec, state, submitted_by, version, blocks_total, phase_end, sweep_id,
                      capped)
    select repeat('0', 64), false, 'diagnostic', '{"kind": "diagnostic"}', 'running', 'bench', '0', 1, 1, :sweep, true
    from generate_series(1, :jobs)
""")
_SWEPT_BLOCKS = text("""
    insert into blocks (job_id, seq, phase, kind, payload, state, capped, lease_token, lease_until)
    select id, 0, 0, 'diagnostic_block', '{"kind": "diagnostic_block", "index": 0}',
           case when place <= :running then 'running' else 'ready' end, true,
           case when place <= :running then gen_random_uuid() end,
           case when place <= :running then clock_timestamp() + interval '1 hour' end
    from (select id, row_number() over (order by id) as place from jobs where sweep_id = :sweep) as jobs
""")


def fill(engine: Engine, *, finished: int, ready: int) -> int:
    """Insert a done job of `finished` blocks and a running one of `ready` blocks; the id of the latter."""
    with engine.begin() as connection:
        connection.execute(text("set local statement_timeout = 0"))
        # Triggers off: a million checks of a foreign key that is right would take most of the time.
        connection.execute(text("set local session_replication_role = replica"))
        done = connection.execute(_JOB, {"state": "done", "total": finished, "done": finished}).scalar_one()
        connection.execute(_BLOCKS, {"job": done, "state": "done", "count": finished})
        open_job = connection.execute(_JOB, {"state": "running", "total": ready, "done": 0}).scalar_one()
        connection.execute(_BLOCKS, {"job": open_job, "state": "ready", "count": ready})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze blocks"))
    return int(open_job)


def fill_sweep(engine: Engine, *, jobs: int, limit: int, running: int) -> int:
    """Insert a sweep that may run `limit` blocks, of so many planned jobs of a block each; the first ones run."""
    with engine.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        sweep = connection.execute(_SWEEP, {"jobs": jobs, "limit": limit}).scalar_one()
        connection.execute(_SWEPT, {"sweep": sweep, "jobs": jobs})
        connection.execute(_SWEPT_BLOCKS, {"sweep": sweep, "running": running})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze jobs, blocks"))
    return int(sweep)
