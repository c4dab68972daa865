"""Limits on running jobs and blocks: of a job, of its sweep and of its project, all at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.projects import ProjectLimits
from schemas.states import JobState
from schemas.sweeps import Sweep
from schemas.training import Training
from service.queue.cancel import cancel
from service.queue.claim import claim
from service.queue.planning import plan_job
from service.queue.projects import set_limits
from service.queue.retry import retry
from service.queue.sweeps.stop import cancel_sweep, retry_sweep
from service.queue.upkeep import plan_jobs


def diagnostics(jobs, blocks=1):
    """A sweep of so many diagnostics of so many blocks each."""
    return Sweep(base=Diagnostic(blocks=blocks), axes={"record_bytes": list(range(jobs))})


def planned(desk, sweep, **labels):
    sweep_id = desk.sweep(sweep, always=True, fresh=True, **labels).sweep_id
    while plan_jobs(desk.engine):
        pass
    return sweep_id


def call(desk, work, *arguments):
    with desk.engine.begin() as connection:
        return work(connection, *arguments)


def running(desk, column="sweep_id"):
    rows = desk.sql(f"""
        select j.{column} as name, count(*) as n from blocks b join jobs j on j.id = b.job_id
        where b.state = 'running' group by 1
    """)  # noqa: S608 - column names of this file
    return {row.name: row.n for row in rows}


def running_jobs(desk):
    rows = desk.sql("select sweep_id, count(*) as n from jobs where state in ('running', 'cancelling') group by 1")
    return {row.sweep_id: row.n for row in rows}


def test_a_sweep_runs_no_more_blocks_than_it_may(desk):
    limited = planned(desk, diagnostics(5, blocks=3), max_running_blocks=4)
    first = desk.claim(limit=3)
    assert len(first) == 3
    assert len(desk.claim()) == 1
    assert desk.claim() == []
    desk.commit(desk.done(first[0]), desk.broken(first[1], "internal"))
    desk.due()
    assert len(desk.claim()) == 2
    assert running(desk) == {limited: 4}
    desk.lapse()
    desk.rescue()
    desk.due()
    assert len(desk.claim()) == 4


def test_the_narrowest_limit_counts(desk):
    set_limits(desk.engine, "ablations", ProjectLimits(max_running_blocks=6))
    wide = planned(desk, diagnostics(4, blocks=4), project="ablations", max_running_blocks=5)
    single = desk.start(Diagnostic(blocks=9), fresh=True, project="ablations", max_running_blocks=2)
    desk.claim()
    assert running(desk) == {wide: 5, None: 1}
    assert running(desk, "project") == {"ablations": 6}
    call(desk, cancel_sweep, wide)
    desk.lapse()
    desk.rescue()
    desk.due()
    desk.claim()
    assert running(desk, "id") == {single: 2}


def test_a_claim_takes_no_more_than_asked_for_and_in_order(desk):
    usual = desk.start(Diagnostic(blocks=3), fresh=True)
    limited = planned(desk, diagnostics(3), priority=1, max_running_blocks=2)
    urgent = desk.start(Diagnostic(blocks=2), fresh=True, priority=2)
    owner = {row.id: row.sweep_id or row.id for row in desk.sql("select id, sweep_id from jobs")}
    taken = [owner[block.job_id] for _ in range(3) for block in desk.claim(limit=2)]
    assert taken == [urgent, urgent, limited, limited, usual, usual]


def test_priority_holds_among_limited_sweeps_of_a_project(desk):
    set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=5))
    low = planned(desk, diagnostics(9), project="p", max_running_blocks=4)
    high = planned(desk, diagnostics(9), project="p", max_running_blocks=3, priority=1)
    desk.claim()
    assert running(desk) == {high: 3, low: 2}


def test_what_may_not_start_hides_nothing_that_may(desk):
    set_limits(desk.engine, "full", ProjectLimits(max_running_blocks=1))
    full = planned(desk, diagnostics(60), project="full", priority=9)
    jammed = planned(desk, diagnostics(60), max_running_blocks=1, priority=8)
    desk.start(Diagnostic(blocks=60), fresh=True, max_running_blocks=1, priority=7)
    elsewhere = planned(desk, diagnostics(2, blocks=60), max_running_blocks=50, priority=-9)
    desk.claim(limit=3)
    assert running(desk) == {full: 1, jammed: 1, None: 1}
    assert len(desk.claim(limit=5)) == 5
    assert running(desk)[elsewhere] == 5


def test_blocks_for_an_absent_device_hide_nothing(desk):
    runs = Sweep(base=Training(steps=1, device="cuda"), axes={"seed": list(range(40))})
    planned(desk, runs, max_running_blocks=40, priority=5)
    here = planned(desk, diagnostics(3), max_running_blocks=2)
    assert len(desk.claim(limit=2)) == 2
    assert running(desk) == {here: 2}
    assert len(desk.claim(limit=5, device="cuda")) == 5


def test_racing_claimers_never_exceed_any_limit(desk):
    set_limits(desk.engine, "shared", ProjectLimits(max_running_blocks=9))
    sweeps = {planned(desk, diagnostics(6, blocks=8), project="shared", max_running_blocks=4): 4 for _ in range(3)}
    desk.start(Diagnostic(blocks=50), fresh=True, project="shared", max_running_blocks=3)
    desk.sql("update blocks set device = case when id % 2 = 0 then 'cpu' else 'cuda' end")
    barrier = Barrier(6)

    def work(holder):
        barrier.wait()
        for _ in range(8):
            claimed = desk.claim(limit=4, holder=str(holder), device="cpu" if holder % 2 else "cuda")
            now = running(desk)
            assert all(now.get(sweep, 0) <= most for sweep, most in sweeps.items()), now
            assert now.get(None, 0) <= 3
            assert sum(now.values()) <= 9
            desk.commit(*(desk.done(block) for block in claimed))
        return len(claimed)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    done = desk.sql("select count(*) as n from blocks where state = 'done'")[0].n
    assert done >= 9


def test_only_one_claimer_at_a_time_takes_limited_blocks(desk):
    planned(desk, diagnostics(6), max_running_blocks=2)
    desk.sql("update blocks set device = case when id % 2 = 0 then 'cpu' else 'cuda' end")
    with desk.engine.begin() as first:
        assert len(claim(first, holder="one", device="cpu", limit=1, lease_seconds=30.0)) == 1
        # Both would see room for two, and their blocks are not the same.
        assert desk.claim(device="cuda") == []
    assert len(desk.claim(device="cuda")) == 1
    assert desk.claim(device="cpu") == []


def test_a_new_limit_binds_what_is_ready_and_taking_it_away_frees_it(desk):
    desk.start(Diagnostic(blocks=30), fresh=True, project="p")
    sweep = planned(desk, diagnostics(3, blocks=10), project="p")
    held = desk.claim(limit=6)
    set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=4))
    assert desk.claim() == []
    # Those that ran are limited as well when they come back.
    desk.commit(*(desk.broken(block, "internal") for block in held))
    desk.due()
    assert len(desk.claim()) == 4
    assert {row.capped for row in desk.sql("select capped from blocks")} == {True}
    set_limits(desk.engine, "p", ProjectLimits())
    assert len(desk.claim(limit=100)) == 56
    assert {row.capped for row in desk.sql("select capped from jobs where sweep_id = :sweep", sweep=sweep)} == {False}


def test_a_job_runs_again_under_the_limits_of_now(desk):
    job = desk.start(Diagnostic(blocks=5), project="p")
    call(desk, cancel, job)
    set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=2))
    call(desk, retry, job)
    assert len(desk.claim()) == 2


def test_a_sweep_runs_no_more_jobs_than_it_may(desk):
    sweep = planned(desk, diagnostics(5), max_running_jobs=2)
    assert running_jobs(desk) == {sweep: 2}
    desk.commit(desk.done(desk.claim(limit=1)[0]))
    assert plan_jobs(desk.engine) == 1
    assert [row.state for row in desk.sql("select state from jobs order by id")] == [
        *("done", "running", "running", "queued", "queued")
    ]


def test_full_groups_hide_no_queued_job_and_priority_holds(desk):
    set_limits(desk.engine, "full", ProjectLimits(max_running_jobs=1))
    full = planned(desk, diagnostics(150), project="full", priority=9)
    other = planned(desk, diagnostics(150), max_running_jobs=3, priority=8)
    low = desk.submit(Diagnostic(), fresh=True, project="full")
    high = desk.submit(Diagnostic(), fresh=True, project="full", priority=10)
    last = desk.start(Diagnostic(), fresh=True, priority=-9)
    assert desk.job(last).state is JobState.RUNNING
    assert running_jobs(desk) == {full: 1, other: 3, None: 1}
    [block] = [block for block in desk.claim() if block.job_id == desk.sql("select min(id) as n from jobs")[0].n]
    desk.commit(desk.done(block))
    plan_jobs(desk.engine)
    assert (desk.job(high).state, desk.job(low).state) == (JobState.RUNNING, JobState.QUEUED)


@pytest.mark.parametrize("limits", [{"max_running_jobs": 1}, {"project": "p"}])
def test_only_one_planner_at_a_time_uses_up_a_limit(desk, limits):
    set_limits(desk.engine, "p", ProjectLimits(max_running_jobs=1))
    desk.sweep(diagnostics(2), **limits)
    [one, other] = [row.id for row in desk.sql("select id from jobs order by id")]
    with desk.engine.begin() as first:
        assert plan_job(first, one)
        assert not call(desk, plan_job, other)
    assert not call(desk, plan_job, other)
    assert running_jobs(desk).keys() == {1}


def test_two_planners_never_exceed_a_limit(desk):
    set_limits(desk.engine, "p", ProjectLimits(max_running_jobs=7))
    sweeps = [desk.sweep(diagnostics(20), always=True, fresh=True, project="p", max_running_jobs=4) for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: [plan_jobs(desk.engine) for _ in range(4)], range(6)))
    assert sum(running_jobs(desk).values()) <= 7
    # A planner that finds a limit in use by another leaves it alone: the last place may be left to the next look.
    plan_jobs(desk.engine)
    now = running_jobs(desk)
    assert sum(now.values()) == 7
    assert all(now.get(made.sweep_id, 0) <= 4 for made in sweeps)


def written(block):
    """Names of the objects that the blocks of a bracket job and of its run leave."""
    if block.kind == "training_segment":
        return "schedule", "checkpoints/000000000", "checkpoints/000000001"
    return (f"sums/{json.loads(block.payload_json)['step']:09d}/{block.block_id}",)


def test_children_that_wait_take_no_place_from_the_run_they_wait_for(desk):
    run = Training(steps=1, checkpoints=(0,))
    brackets = Sweep(base=Brackets(training=run, examples=First(count=2)), axes={"examples.count": [2, 3, 4]})
    desk.sweep(brackets, max_running_jobs=1)
    finished = 0
    for _ in range(9):
        plan_jobs(desk.engine)
        assert sum(running_jobs(desk).values()) == 1
        desk.commit(*(desk.done(block, *written(block)) for block in desk.claim()))
        finished = desk.sql("select count(*) as n from jobs where state = 'done'")[0].n
        if finished == 4:
            break
    assert finished == 4


def test_jobs_that_run_again_wait_for_their_turn(desk):
    sweep = planned(desk, diagnostics(4, blocks=3), max_running_jobs=4)
    held = desk.claim(limit=1)
    call(desk, cancel_sweep, sweep)
    desk.commit(desk.broken(held[0], "cancelled"))
    desk.sql("update sweeps set max_running_jobs = 2")
    call(desk, retry_sweep, sweep)
    assert running_jobs(desk) == {}
    assert desk.claim() == []
    plan_jobs(desk.engine)
    assert running_jobs(desk) == {sweep: 2}
    assert len(desk.claim()) == 6
    assert plan_jobs(desk.engine) == 0


@pytest.mark.parametrize("stop", [cancel, cancel_sweep])
def test_a_retried_job_can_be_cancelled_while_it_waits_for_its_turn_and_a_block_still_runs(desk, stop):
    planned(desk, Sweep(base=Diagnostic(blocks=2), points=({"blocks": 2},)), max_running_jobs=1)
    broken, runs_on = desk.claim()
    desk.commit(desk.broken(broken, "user"))
    call(desk, retry, 1)
    assert desk.job(1).state == JobState.QUEUED
    call(desk, stop, 1)
    assert desk.job(1).state == JobState.CANCELLING
    desk.commit(desk.broken(runs_on, "cancelled"))
    assert desk.job(1).state == JobState.CANCELLED
