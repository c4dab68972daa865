"""A sweep becomes jobs, each once, and the training runs they share."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from schemas.brackets import Brackets
from schemas.data import First, Idx
from schemas.diagnostic import Diagnostic
from schemas.optimizers import Sgd
from schemas.sweeps import Sweep
from schemas.training import Training
from service.errors import Conflict, Missing, Refused
from service.queue.sweeps.ends import end_sweeps
from service.queue.sweeps.stop import cancel_sweep

RUN = Training(steps=4, optimizer=Sgd(lr=0.1), checkpoints=(0,))
RATES = Sweep(base=RUN, axes={"optimizer.lr": [0.1, 0.2, 0.3]}, seeds=2)
BRACKETS = Sweep(
    base=Brackets(training=RUN, examples=First(count=4)),
    axes={"training.optimizer.lr": [0.1, 0.2], "examples.count": [3, 4, 5]},
)


def members(desk, sweep_id):
    return desk.sql(
        "select position, job_id, varied from sweep_jobs where sweep_id = :sweep order by position", sweep=sweep_id
    )


def test_every_point_is_a_job_with_its_varied_fields(desk):
    made = desk.sweep(RATES, name="rates", project="ablations", tags=("a", "b"), priority=7)
    assert (made.created, made.jobs_created) == (True, 6)
    rows = members(desk, made.sweep_id)
    assert [row.position for row in rows] == list(range(6))
    assert [row.varied for row in rows] == [
        {"optimizer.lr": rate, "seed": seed} for rate in (0.1, 0.2, 0.3) for seed in (0, 1)
    ]
    for row in rows:
        [job] = desk.sql("select * from jobs where id = :job", job=row.job_id)
        assert (job.spec["optimizer"]["lr"], job.spec["seed"]) == (row.varied["optimizer.lr"], row.varied["seed"])
        assert (job.sweep_id, job.name, job.project, job.tags) == (made.sweep_id, "rates", "ablations", ["a", "b"])
        assert (job.priority, job.implicit, job.state) == (7, False, "queued")
    [sweep] = desk.sql("select * from sweeps")
    assert (sweep.jobs_total, sweep.state, sweep.project) == (6, "running", "ablations")


def test_equal_training_runs_are_trained_once(desk):
    made = desk.sweep(BRACKETS)
    assert made.jobs_created == 6
    runs = desk.sql("select id, implicit, sweep_id, tags from jobs where kind = 'training' order by id")
    assert [(run.implicit, run.sweep_id) for run in runs] == [(True, made.sweep_id)] * 2
    parents = desk.sql("select parent_id, count(*) as n from job_parents group by parent_id order by parent_id")
    assert [(row.parent_id, row.n) for row in parents] == [(run.id, 3) for run in runs]
    reasons = desk.sql("select distinct reason from jobs where kind = 'brackets' order by 1")
    assert [row.reason for row in reasons] == [f"waiting for parent {run.id}" for run in runs]


def test_jobs_that_are_there_are_found_and_keep_their_sweep(desk):
    alone = desk.submit(RUN)
    first = desk.sweep(Sweep(base=RUN, axes={"optimizer.lr": [0.1, 0.2]}))
    second = desk.sweep(Sweep(base=RUN, axes={"optimizer.lr": [0.2, 0.3]}))
    assert (first.jobs_created, second.jobs_created) == (1, 1)
    assert members(desk, first.sweep_id)[0].job_id == alone
    shared = members(desk, second.sweep_id)[0].job_id
    owners = {row.id: row.sweep_id for row in desk.sql("select id, sweep_id from jobs")}
    assert (owners[alone], owners[shared]) == (None, first.sweep_id)


def test_a_job_submitted_on_its_own_leaves_the_limits_of_its_sweep(desk):
    made = desk.sweep(Sweep(base=RUN, axes={"optimizer.lr": [0.1]}))
    [member] = members(desk, made.sweep_id)
    assert desk.submitted(RUN, name="mine") == (member.job_id, False)
    [job] = desk.sql("select sweep_id, name from jobs")
    assert (job.sweep_id, job.name) == (None, "mine")


def test_a_run_made_for_another_job_becomes_one_of_the_sweep(desk):
    desk.submit(BRACKETS.base)
    made = desk.sweep(Sweep(base=RUN, axes={"optimizer.lr": [0.1]}))
    assert made.jobs_created == 0
    assert [row.implicit for row in desk.sql("select implicit from jobs where kind = 'training'")] == [False]


def test_the_same_sweep_is_the_same_unless_fresh_or_always(desk):
    first = desk.sweep(RATES)
    assert desk.sweep(RATES) == type(first)(first.sweep_id, created=False, jobs_created=0)
    beside = desk.sweep(RATES, always=True)
    assert (beside.created, beside.jobs_created) == (True, 0)
    fresh = desk.sweep(RATES, fresh=True)
    assert (fresh.created, fresh.jobs_created) == (True, 6)
    assert desk.sql("select count(*) as n from jobs where latest")[0].n == 6
    assert desk.sql("select count(*) as n from sweeps where latest")[0].n == 1
    assert desk.sweep(RATES).sweep_id == fresh.sweep_id


def test_a_cancelled_sweep_that_is_submitted_again_runs(desk):
    first = desk.sweep(BRACKETS)
    with desk.engine.begin() as connection:
        assert cancel_sweep(connection, first.sweep_id) == 8
        end_sweeps(connection)
    again = desk.sweep(BRACKETS)
    assert (again.created, again.jobs_created) == (True, 0)
    assert {(row.state, row.sweep_id) for row in desk.sql("select state, sweep_id from jobs")} == {
        ("queued", again.sweep_id)
    }


def test_a_sweep_runs_cancelled_jobs_again_and_leaves_failed_ones(desk):
    cancelled = desk.submit(Diagnostic(blocks=1))
    failed = desk.submit(Diagnostic(blocks=2))
    desk.sql("update jobs set state = 'cancelled' where id = :job", job=cancelled)
    desk.sql("update jobs set state = 'failed', reason = 'no' where id = :job", job=failed)
    desk.sweep(Sweep(base=Diagnostic(), axes={"blocks": [1, 2]}))
    rows = {row.id: row for row in desk.sql("select id, state, sweep_id from jobs")}
    assert (rows[cancelled].state, rows[failed].state) == ("queued", "failed")
    # It was submitted on its own, and stays so.
    assert rows[cancelled].sweep_id is None


def test_fresh_trains_the_shared_runs_anew_once(desk):
    desk.sweep(BRACKETS)
    desk.sweep(BRACKETS, fresh=True)
    runs = desk.sql("select latest from jobs where kind = 'training' order by id")
    assert [run.latest for run in runs] == [False, False, True, True]


def test_points_with_one_spec_are_one_job(desk):
    made = desk.sweep(Sweep(base=RUN, points=({"optimizer.lr": 0.1}, {"optimizer.lr": 0.1}, {"optimizer.lr": 0.2})))
    assert made.jobs_created == 2


def test_a_key_makes_a_repeated_request_one(desk):
    first = desk.sweep(RATES, key="k", fresh=True)
    assert desk.sweep(RATES, key="k", fresh=True).sweep_id == first.sweep_id
    with pytest.raises(Conflict, match=rf"came before with another submission, that of sweep {first.sweep_id}"):
        desk.sweep(RATES, key="k")


def test_equal_sweeps_at_once_are_one_sweep(desk):
    barrier = Barrier(4)

    def submit(k):
        barrier.wait()
        return desk.sweep(RATES) if k % 2 else desk.submit(RUN)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(submit, range(4)))
    assert desk.sql("select count(*) as n from sweeps")[0].n == 1
    # The single submission is the first point of the sweep.
    assert desk.sql("select count(*) as n, count(distinct digest) as d from jobs")[0].n == 6


def test_a_point_that_cannot_be_computed_is_named_and_nothing_is_stored(desk):
    sweep = Sweep(base=Diagnostic(), axes={"blocks": [1, 3_000_000]})
    with pytest.raises(Refused, match=r"point 1 \(blocks = 3000000\): a job has at most"):
        desk.sweep(sweep)
    with pytest.raises(Missing, match=r"point 0 .*no dataset of name `nothing`"):
        desk.sweep(Sweep(base=RUN, axes={"data": [Idx(name="nothing").model_dump(mode="json")]}))
    assert desk.sql("select count(*) as n from sweeps")[0].n == 0


def test_a_failed_run_leaves_the_rest_of_the_sweep_alone(desk):
    run = desk.submit(RUN)
    desk.sql("update jobs set state = 'failed', reason = 'no' where id = :job", job=run)
    made = desk.sweep(BRACKETS)
    assert made.jobs_created == 6
    desk.start(Diagnostic())
    failed = desk.sql("select reason from jobs where kind = 'brackets' and state = 'failed'")
    assert len(failed) == 3
    assert all(f"its parent, job {run} (training), failed" in row.reason for row in failed)


def test_a_cancelled_run_is_restarted_for_the_sweep(desk):
    run = desk.submit(RUN)
    desk.sql("update jobs set state = 'cancelled' where id = :job", job=run)
    desk.sweep(BRACKETS, priority=5)
    [job] = desk.sql("select state, priority from jobs where id = :job", job=run)
    assert (job.state, job.priority) == ("queued", 5)
