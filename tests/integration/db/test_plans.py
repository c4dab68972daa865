"""The plan of every question that is asked often, among a million pairs and tens of thousands of jobs.

Asserted are indexes, rows and pages, not times: the machine that runs the tests may be busy.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from bench.results import pairs
from schemas.bracket_results import PAIRS
from schemas.states import JobState, SweepState
from service.api import table_query
from service.db.copy import copy_rows, encode
from service.db.engine import connect
from service.db.migrate import upgrade
from service.queue import jobs
from service.queue.overview import overview
from service.queue.selection import selected
from service.queue.sweeps import read as sweeps
from service.scheduler import history
from tests.support.dispatching import database
from tests.support.plans import explained, pages, scanned_whole, statements, touched

JOBS, OTHERS, SWEEPS, SCHEDULES = 21, 20_000, 2_000, 500
STEPS = (0, 100)
TILES = 6
JOB, SWEEP = 11, 1
LARGE = {"pairs", "blocks", "jobs", "sweeps", "sweep_jobs", "schedules", "firings"}

_QUEUE = text("""
    insert into sweeps (digest, latest, spec, state, name, tags, jobs_total, submitted_by, version)
    select repeat('0', 64), false, '{}', case when n % 100 = 0 then 'failed' else 'done' end, 'sweep ' || n % 50,
           array['tag ' || n % 20], :jobs, 'tester', '0' from generate_series(1, :sweeps) n;
    insert into jobs (digest, latest, kind, spec, state, name, tags, submitted_by, version, blocks_total, blocks_done)
    select repeat('0', 64), false, 'diagnostic', '{"kind": "diagnostic"}',
           case when n % 500 = 0 then 'failed' else 'done' end, 'job ' || n % 100, array['tag ' || n % 20], 'tester',
           '0', 1, 1
    from generate_series(1, :jobs + :others) n;
    insert into sweep_jobs (sweep_id, position, job_id, varied)
    select 1, n - 1, n, jsonb_build_object('training.seed', n) from generate_series(1, :jobs) n
    union all
    select 2 + n / 500, n, n, '{}' from generate_series(:jobs + 1, :others) n;
    insert into blocks (job_id, seq, phase, kind, payload, state)
    select n, 0, 0, 'diagnostic_block', '{}', 'done' from generate_series(1, :jobs + :others) n;
    insert into schedules (name, cron, timezone, work, overlap, catch_up_seconds, jitter_seconds, created_by,
                           considered_until)
    select 'schedule ' || n, '0 0 * * *', 'UTC', '{"sweep": {"kind": "diagnostic"}}', 'skip', 0, 0, 'tester', now()
    from generate_series(1, :schedules) n;
    insert into firings (schedule_id, instant, origin, state, due_at)
    select id, now() - n * interval '1 day', 'cron', 'done', now() from schedules, generate_series(1, 100) n;
""")
_LARGEST = text("""
    select job_id, step, i, j, bracket_norm, defect from pairs where step = 100 order by bracket_norm desc limit 100
""")


@pytest.fixture(scope="module")
def engine(postgres_server) -> Iterator[Engine]:
    """A database with a million pairs of one sweep, loaded as blocks' rows are, and many small jobs beside them."""
    with database(postgres_server) as url:
        upgrade(url)
        engine = connect(url, statement_timeout_seconds=None)
        numbers = {"jobs": JOBS, "others": OTHERS, "sweeps": SWEEPS, "schedules": SCHEDULES}
        with engine.begin() as connection:
            connection.execute(text("set local session_replication_role = replica"))
            connection.execute(_QUEUE, numbers)
            for job in range(1, JOBS + 1):
                tiles = (tile for step in STEPS for tile in pairs.tiles(TILES * 2 * pairs.TILE, step, seed=job))
                copy_rows(connection, PAIRS, [encode(PAIRS, job, tile) for tile in tiles])
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum analyze")
            assert connection.exec_driver_sql("select count(*) from pairs").scalar_one() >= 1_000_000
        yield engine
        engine.dispose()


def top(
    where: str = "step:eq:100", limit: int | None = 100, order_by: str | None = "-norm"
) -> table_query.TableQuery:
    return table_query.parse("pairs", "step,i,j,norm,defect", where.split(";") if where else [], order_by, limit)


OF_A_JOB = {
    "the largest of a checkpoint": (top(), 101, 300),
    "the largest above a threshold": (top("step:eq:100;bracket_norm:gt:20"), 101, 300),
    "the pairs of an example": (top("step:eq:100;i:eq:7", None, None), 1_000, 600),
    "one pair": (top("step:eq:100;i:eq:7;j:eq:200", None, None), 1, 20),
    "the first in key order": (top("", 100, None), 101, 150),
}
"""Rows that may be touched, and pages."""


@pytest.mark.parametrize("what", OF_A_JOB)
def test_questions_to_a_job_read_what_they_give(engine, what):
    query, most_rows, most_pages = OF_A_JOB[what]
    with engine.connect() as connection:
        plan = explained(connection, query.of_job(JOB))
    assert 0 < plan[0]["Actual Rows"] <= most_rows
    assert touched(plan) <= most_rows
    assert pages(plan) <= most_pages
    assert scanned_whole(plan) == set()


def test_the_views_that_people_query_use_the_same_index(engine):
    view = f"select * from results.pairs where job_id = {JOB} and step = 100 order by bracket_norm desc limit 100"  # noqa: S608 - a number of ours
    with engine.connect() as connection:
        plan = explained(connection, view)
    assert "pairs_by_norm" in {node.get("Index Name") for node in plan}
    assert touched(plan) <= 101


def test_the_largest_of_a_sweep_are_those_of_its_jobs(engine):
    with engine.connect() as connection:
        members = selected(connection, [], [SWEEP])
        plan = explained(connection, top().across(members))
        found = connection.exec_driver_sql(top().across(members)).all()
        slow = connection.execute(_LARGEST).all()
    assert len(members) == JOBS
    assert found == slow
    assert {node.get("Index Name") for node in plan if "Relation Name" in node} == {"pairs_by_norm"}
    assert touched(plan) <= JOBS * 101
    assert pages(plan) <= JOBS * 300


def _listings():
    for cursor in (None, OTHERS // 2):
        yield f"jobs before {cursor}", lambda c, at=cursor: jobs.page(c, cursor=at), 60
        yield f"jobs of a name before {cursor}", lambda c, at=cursor: jobs.page(c, name="job 7", cursor=at), 60
        yield f"failed jobs before {cursor}", lambda c, at=cursor: jobs.page(c, state=JobState.FAILED, cursor=at), 60
        yield f"jobs of a tag before {cursor}", lambda c, at=cursor: jobs.page(c, tag="tag 3", cursor=at), 1_200
    yield "sweeps", lambda c: sweeps.page(c, cursor=SWEEPS // 2), 60
    yield "sweeps of a name", lambda c: sweeps.page(c, name="sweep 7"), 60
    yield "failed sweeps", lambda c: sweeps.page(c, state=SweepState.FAILED), 60
    yield "jobs of a sweep", lambda c: sweeps.jobs(c, 3, cursor=700), 500
    yield "schedules", lambda c: history.page(c, cursor=SCHEDULES // 2), 120
    yield "firings", lambda c: history.firings(c, "schedule 7"), 60
    yield "overview of a job", lambda c: overview(c, JOB), 60


LISTINGS = {what: (ask, most) for what, ask, most in _listings()}


@pytest.mark.parametrize("what", LISTINGS)
def test_pages_read_what_they_show_wherever_they_begin(engine, what):
    ask, most = LISTINGS[what]
    with engine.connect() as connection, statements(engine) as asked:
        ask(connection)
    assert asked
    for statement, parameters in asked:
        with engine.connect() as connection, connection.connection.cursor() as cursor:
            # As the driver would send it.
            plan = explained(connection, cursor.mogrify(statement, parameters).decode().replace("%", "%%"))
        assert scanned_whole(plan) & LARGE == set(), statement
        assert touched(plan) <= most, statement
