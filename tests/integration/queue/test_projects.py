"""Projects: made by naming them, with limits that reach unfinished jobs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.diagnostic import Diagnostic
from schemas.projects import ProjectLimits
from schemas.sweeps import Sweep
from service.errors import Missing
from service.queue import projects
from service.queue.caps import recap
from service.queue.retry import retry
from service.queue.upkeep import plan_jobs


def project(desk, name):
    with desk.engine.connect() as connection:
        return projects.project(connection, name)


def test_a_project_is_made_by_naming_it(desk):
    desk.submit(Diagnostic(), project="ablations")
    with desk.engine.connect() as connection:
        listed = projects.listed(connection)
    assert [one.name for one in listed] == ["ablations", "default"]
    assert (listed[0].max_running_jobs, listed[0].max_running_blocks) == (None, None)


def test_it_tells_what_waits_and_runs(desk):
    projects.set_limits(desk.engine, "p", ProjectLimits(max_running_jobs=2, max_running_blocks=3))
    desk.sweep(Sweep(base=Diagnostic(blocks=2), axes={"record_bytes": [1, 2, 3]}), project="p")
    plan_jobs(desk.engine)
    desk.claim()
    desk.start(Diagnostic())
    shown = project(desk, "p")
    assert (shown.queued_jobs, shown.running_jobs, shown.running_blocks) == (1, 2, 3)
    assert (shown.max_running_jobs, shown.max_running_blocks) == (2, 3)
    assert project(desk, "default").running_jobs == 1


def test_an_unknown_one_is_missing_and_the_nearest_named(desk):
    projects.set_limits(desk.engine, "ablations", ProjectLimits())
    with pytest.raises(Missing, match="no project `ablation`; did you mean 'ablations'"):
        project(desk, "ablation")


def test_limits_replace_those_before(desk):
    projects.set_limits(desk.engine, "p", ProjectLimits(max_running_jobs=2))
    projects.set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=3))
    shown = project(desk, "p")
    assert (shown.max_running_jobs, shown.max_running_blocks) == (None, 3)


def test_a_new_limit_reaches_large_jobs_and_many_jobs_piece_by_piece(desk, monkeypatch):
    monkeypatch.setattr("service.queue.caps._BLOCKS_AT_ONCE", 20)
    monkeypatch.setattr("service.queue.caps._JOBS_AT_ONCE", 3)
    desk.start(Diagnostic(blocks=75), project="p")
    desk.sweep(Sweep(base=Diagnostic(blocks=7), axes={"record_bytes": list(range(10))}), project="p")
    untouched = desk.start(Diagnostic(blocks=3))
    plan_jobs(desk.engine)
    projects.set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=5))
    counts = desk.sql("select capped, count(*) as n from blocks group by 1 order by 1")
    assert [(row.capped, row.n) for row in counts] == [(False, 3), (True, 145)]
    assert not desk.sql("select capped from jobs where id = :job", job=untouched)[0].capped
    assert recap(desk.engine) == 0


def test_what_was_interrupted_is_finished_by_the_next_call(desk):
    job = desk.start(Diagnostic(blocks=3), project="p")
    desk.sql("update projects set max_running_blocks = 1 where name = 'p'")
    assert recap(desk.engine) == 1
    assert {row.capped for row in desk.sql("select capped from blocks where job_id = :job", job=job)} == {True}


def test_blocks_that_run_on_in_a_failed_job_are_limited_when_it_runs_again(desk):
    job = desk.start(Diagnostic(blocks=3), project="p")
    broken, running, _ = desk.claim()
    desk.commit(desk.broken(broken, "user"))
    projects.set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=1))
    with desk.engine.begin() as connection:
        retry(connection, job)
    desk.commit(desk.broken(running, "internal"))
    desk.due()
    assert {row.capped for row in desk.sql("select capped from blocks")} == {True}


def test_limits_that_change_back_and_forth_at_once_agree_in_the_end(desk, monkeypatch):
    monkeypatch.setattr("service.queue.caps._BLOCKS_AT_ONCE", 10)
    desk.start(Diagnostic(blocks=90), project="p")

    def change(most):
        projects.set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=most))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, [1, None, 2, None, 3, None, 4, None]))
    [row] = desk.sql("""
        select array_agg(distinct b.capped) as blocks, bool_and(j.capped) as job,
               bool_and(p.max_running_blocks is not null) as limited
        from blocks b join jobs j on j.id = b.job_id join projects p on p.name = j.project
    """)
    assert row.blocks == [row.job] == [row.limited]
