"""What a sweep would do, told beforehand; and that it then does so."""

import time

import pytest

from schemas.brackets import Brackets
from schemas.data import First, Idx
from schemas.diagnostic import Diagnostic
from schemas.optimizers import Sgd
from schemas.projects import ProjectLimits
from schemas.states import JobState
from schemas.sweep_bodies import SweepSubmission
from schemas.sweeps import Sweep
from schemas.training import Training
from service.errors import Missing, Refused
from service.queue.cancel import cancel
from service.queue.projects import set_limits
from service.queue.sweeps.preview import preview_sweep
from tests.support.plans import statements

RUN = Training(steps=200, optimizer=Sgd(lr=0.1), checkpoints=(0,))
BRACKETS = Brackets(training=RUN, examples=First(count=8))
TABLES = ("sweeps", "jobs", "sweep_jobs", "job_parents", "projects", "events", "idempotency_keys")


@pytest.fixture
def preview(desk):
    def preview(sweep, **fields):
        with desk.engine.connect() as connection:
            return preview_sweep(connection, SweepSubmission(sweep=sweep, **fields))

    return preview


def rows(desk):
    return {name: desk.sql(f"select count(*) as n from {name}")[0].n for name in TABLES}  # noqa: S608 - our own names


def finished(desk, spec, **fields):
    """A training run that is done."""
    job = desk.start(spec)
    [block] = desk.claim()
    desk.commit(desk.done(block, "schedule", "checkpoints/000000000", "checkpoints/000000200", **fields))
    return job


def test_nothing_is_stored_and_the_submission_does_what_was_told(desk, preview):
    desk.beat(cpu=2)
    sweep = Sweep(base=BRACKETS, axes={"training.optimizer.lr": [0.1, 0.2], "examples.count": [4, 6, 8]})
    before = rows(desk)
    told = preview(sweep, project="new")
    assert rows(desk) == before
    assert (told.total, told.new, told.done, told.unfinished, told.ended) == (6, 6, 0, 0, 0)
    assert (told.training_runs, told.training_runs_done, told.left_out) == (2, 0, 0)
    made = desk.sweep(sweep, project="new")
    assert made.jobs_created == told.new
    assert desk.sql("select count(*) as n from jobs where implicit")[0].n == told.training_runs
    digests = [row.digest for row in desk.sql("select digest from jobs where not implicit order by id")]
    assert [job.digest for job in told.jobs] == digests
    assert told.jobs[4].varied == {"training.optimizer.lr": 0.2, "examples.count": 6}


def test_what_is_done_costs_nothing_and_is_named(desk, preview):
    desk.beat(cpu=2)
    runs = Sweep(base=RUN, axes={"optimizer.lr": [0.1, 0.2, 0.3, 0.4]})
    whole = preview(runs)
    done = finished(desk, RUN)
    gone = desk.submit(RUN.model_copy(update={"optimizer": Sgd(lr=0.2)}))
    with desk.engine.begin() as connection:
        cancel(connection, gone)
    waits = desk.submit(RUN.model_copy(update={"optimizer": Sgd(lr=0.3)}))
    told = preview(runs)
    assert (told.new, told.done, told.unfinished, told.ended) == (1, 1, 1, 1)
    assert [job.job_id for job in told.jobs] == [done, gone, waits, None]
    assert [job.state for job in told.jobs] == [JobState.DONE, JobState.CANCELLED, JobState.QUEUED, None]
    assert told.jobs[0].seconds == 0
    assert told.seconds == pytest.approx(whole.seconds * 3 / 4)
    assert preview(runs, fresh=True).new == 4


def test_a_job_that_runs_costs_what_is_left(desk, preview):
    desk.beat()
    sweep = Sweep(base=Diagnostic(blocks=8, seconds=10), axes={"blocks": [8]})
    job = desk.start(Diagnostic(blocks=8, seconds=10))
    desk.commit(*(desk.done(block) for block in desk.claim(limit=6)))
    told = preview(sweep)
    assert (told.jobs[0].job_id, told.unfinished, told.seconds) == (job, 1, 20.0)


def test_training_runs_count_once_and_not_for_children_that_are_done(desk, preview):
    desk.beat(cpu=2)
    run = preview(Sweep(base=RUN, axes={"steps": [200]})).seconds
    sweep = Sweep(base=BRACKETS, axes={"examples.count": [4, 6]})
    told = preview(sweep)
    own = sum(job.seconds for job in told.jobs)
    assert told.seconds == pytest.approx(run + own)
    assert told.wall_seconds == pytest.approx(max(run, (run + own) / 2))
    finished(desk, RUN)
    trained = preview(sweep)
    assert (trained.training_runs, trained.training_runs_done) == (1, 1)
    assert trained.seconds == pytest.approx(own)


def test_measured_costs_are_said_to_be_measured(desk, preview):
    desk.beat(cpu=1)
    sweep = Sweep(base=RUN, axes={"seed": [5, 6, 7]})
    assert not preview(sweep).measured
    finished(desk, RUN, seconds=4.0, kernel_seconds=4.0)
    told = preview(sweep)
    assert told.measured
    assert (told.seconds, told.wall_seconds) == (pytest.approx(12.0), pytest.approx(12.0))


def test_slots_and_limits_bound_the_wall_time(desk, preview):
    sweep = Sweep(base=Diagnostic(blocks=10, seconds=6), axes={"blocks": [10, 20]})
    told = preview(sweep)
    assert (told.slots, told.seconds, told.wall_seconds) == (0, 180.0, None)
    desk.beat(cpu=6)
    assert preview(sweep).wall_seconds == 30.0
    assert preview(sweep, max_running_blocks=3).wall_seconds == 60.0
    set_limits(desk.engine, "p", ProjectLimits(max_running_blocks=2))
    assert preview(sweep, max_running_blocks=3, project="p").wall_seconds == 90.0


def test_points_that_are_no_jobs_are_counted(preview):
    sweep = Sweep(base=Diagnostic(), axes={"blocks": [1, 2, 3, 4, 5]}, constraints=["blocks != 3"])
    told = preview(sweep)
    assert (told.total, told.left_out) == (4, 1)


def test_a_preview_refuses_what_a_submission_would(preview):
    with pytest.raises(Refused, match=r"point 1 \(blocks = 3000000\): a job has at most"):
        preview(Sweep(base=Diagnostic(), axes={"blocks": [1, 3_000_000]}))
    with pytest.raises(Missing, match="no dataset of name `nothing`"):
        preview(Sweep(base=RUN, axes={"data": [Idx(name="nothing").model_dump(mode="json")]}))


def test_ten_thousand_points_are_told_in_a_time_that_grows_with_their_number(desk, preview):
    """In processor time of this process, and in statements: neither depends on how busy the machine is."""
    desk.beat()

    def cost(rates):
        axes = {"training.optimizer.lr": [0.001 * k for k in range(1, rates + 1)], "examples.count": [*range(2, 102)]}
        started = time.process_time()
        with statements(desk.engine) as made:
            told = preview(Sweep(base=BRACKETS, axes=axes))
        assert (told.total, told.training_runs) == (100 * rates, rates)
        return time.process_time() - started, len(made)

    cost(1)
    (few, small), (many, large) = cost(10), cost(100)
    assert many < 30 * few
    assert small == large
