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
