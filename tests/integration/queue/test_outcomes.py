"""From a worker's fault to what the database makes of it: runs that diverge, their retries, tiles that do not fit."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from schemas.brackets import Brackets
from schemas.canonical import digest
from schemas.jobs import job_spec
from schemas.looks import Every
from schemas.losses import SquaredError
from schemas.optimizers import Sgd
from schemas.perturbations import Gaussian
from schemas.replicas import Arm, Lyapunov, Replicas
from schemas.states import JobState
from schemas.training import Training
from service.dispatcher.verdicts import verdict
from service.queue.claim import Claimed
from service.queue.retry import retry
from service.queue.upkeep import plan_jobs
from workers.brackets.paths import generic
from workers.errors import UserFault
from workers.runtime.execution import Worker, WorkerSettings
from workers.runtime.messages import Order, Task
from workers.runtime.store import StoreSettings
from workers.training.run import Run

DIVERGES = Training(
    loss=SquaredError(), optimizer=Sgd(lr=1e30), dtype="float64", steps=40, checkpoints=(0, 1), batch_size=500
)
CONVERGES = DIVERGES.model_copy(update={"optimizer": Sgd(lr=0.01)})


@dataclass
class Bench:
    """The queue with one real worker on a real bucket."""

    desk: object
    worker: Worker

    def run_all(self) -> None:
        """Claim, compute and commit until nothing is ready."""
        while claimed := self.claim():
            [block] = claimed
            assert digest(job_spec.validate_json(block.spec_json)) == block.digest
            task = Task(
                block.block_id,
                block.job_id,
                block.run,
                block.token.hex,
                block.digest,
                block.payload_json,
                block.inputs_json,
                block.shrink,
            )
            [outcome] = self.worker.run(Order({block.digest: block.spec_json}, [task]))
            assert self.desk.commit(verdict(SimpleNamespace(claimed=block), outcome)) == [True]

    def claim(self) -> list[Claimed]:
        plan_jobs(self.desk.engine)
        return self.desk.claim(limit=1)

    def retry(self, job_id: int) -> None:
        with self.desk.engine.begin() as connection:
            retry(connection, job_id)

    def kept(self, job_id: int) -> tuple[list[str], list[int], list[int]]:
        """Names of objects, checkpoints and steps in the tables."""
        names = self.desk.sql("select name from objects where job_id = :job order by name", job=job_id)
        checkpoints = self.desk.sql("select step from checkpoints where job_id = :job order by step", job=job_id)
        steps = self.desk.sql("select step from training_steps where job_id = :job order by step", job=job_id)
        return tuple([row[0] for row in rows] for rows in (names, checkpoints, steps))


@pytest.fixture
def bench(desk, s3_bucket):
    return Bench(desk, Worker(WorkerSettings(StoreSettings.from_environment())))


def test_a_diverging_run_fails_with_the_step_and_its_checkpoints_stay(bench):
    job_id = bench.desk.start(DIVERGES)
    bench.run_all()
    job = bench.desk.job(job_id)
    assert job.state == JobState.FAILED
    assert job.error.kind == "user"
    assert "stay finite" in job.error.message
    assert "step" in job.reason
    names, checkpoints, steps = bench.kept(job_id)
    assert names == ["checkpoints/000000000", "checkpoints/000000001", "schedule"]
    assert checkpoints == [0, 1]
    assert steps == list(range(1, len(steps) + 1))
    records = bench.desk.sql(
        "select record from blocks where job_id = :job and kind = 'training_segment'", job=job_id
    )
    assert all(row.record["provenance"]["torch"] for row in records if row.record and row.record["objects"])
    assert len([row for row in records if row.record]) == 2


def test_what_stopped_half_way_teaches_nothing_about_costs(bench):
    job_id = bench.desk.start(DIVERGES)
    bench.run_all()
    [costs] = bench.desk.sql("select samples from costs")
    finished = bench.desk.sql("select 1 from blocks where job_id = :job and state = 'done'", job=job_id)
    assert costs.samples == len(finished)


def test_a_retry_that_fails_in_the_same_way_keeps_everything_once(bench):
    job_id = bench.desk.start(DIVERGES)
    bench.run_all()
    before, error = bench.kept(job_id), bench.desk.job(job_id).error
    bench.retry(job_id)
    bench.run_all()
    assert bench.kept(job_id) == before
    assert bench.desk.job(job_id).error.message == error.message


@pytest.mark.parametrize("lyapunov", [None, Lyapunov(every=1)], ids=["replicas", "exponents"])
def test_a_diverging_replica_job_keeps_its_rows_once_through_retries(bench, lyapunov):
    diverging = DIVERGES.model_copy(update={"optimizer": Sgd(lr=1e6), "checkpoints": (40,)})
    arm = Arm(replicas=2, perturbations=(Gaussian(epsilon=0.01, scale="global"),))
    spec = Replicas(training=diverging, arms=(arm,), looks=Every(steps=1), lyapunov=lyapunov)
    job_id = bench.desk.start(spec)
    bench.run_all()
    tables = ("replica_metrics", "replica_tensors", "replica_baseline", "replica_exponents")

    def kept():
        return {
            table: sorted(bench.desk.sql(f"select * from {table} where job_id = :job", job=job_id))  # noqa: S608 - names above
            for table in tables
        }

    before, error = kept(), bench.desk.job(job_id).error
    assert error.kind == "user"
    assert "finite" in error.message
    assert before["replica_metrics" if lyapunov is None else "replica_exponents"]
    bench.retry(job_id)
    bench.run_all()
    assert bench.desk.job(job_id).error.message == error.message
    assert kept() == before


@pytest.mark.parametrize("stops", [[5], [9, 5, 20]], ids=["once", "again-earlier-and-later"])
def test_a_retry_that_succeeds_replaces_what_was_kept(bench, monkeypatch, stops):
    step = Run.step
    job_id = bench.desk.start(CONVERGES.model_copy(update={"checkpoints": (40,)}))
    for number in stops:

        def broken(run, at, batch, number=number):
            if at == number:
                raise UserFault(f"broken at step {number}")
            return step(run, at, batch)

        with monkeypatch.context() as patch:
            patch.setattr(Run, "step", broken)
            bench.run_all()
        assert bench.desk.job(job_id).reason == f"broken at step {number}"
        assert bench.kept(job_id) == (["schedule"], [], list(range(1, number)))
        bench.retry(job_id)
    bench.run_all()
    job = bench.desk.job(job_id)
    assert (job.state, job.error) == (JobState.DONE, None)
    assert bench.kept(job_id) == (["checkpoints/000000040", "schedule"], [40], list(range(1, 41)))


@pytest.mark.parametrize(("fits", "state"), [(3, JobState.DONE), (1, JobState.FAILED)], ids=["fits", "does-not"])
def test_a_tile_that_does_not_fit_runs_once_more_halved(bench, monkeypatch, fits, state):
    products = generic.hessian_products

    def hungry(functional, example, target, directions):
        if len(next(iter(directions.values()))) > fits:
            torch.empty(2**60, dtype=torch.uint8)
        return products(functional, example, target, directions)

    monkeypatch.setattr(generic, "hessian_products", hungry)
    job_id = bench.desk.submit(Brackets(training=Training(steps=1), examples=range(6), path="generic"))
    bench.run_all()
    [tile] = bench.desk.sql("select * from blocks where job_id = :job and kind = 'bracket_tile'", job=job_id)
    assert bench.desk.job(job_id).state == state
    assert (tile.runs, tile.attempts, tile.shrink) == (2, 0, 1)
    assert tile.payload["micro"] == 16
    if state == JobState.DONE:
        [shown] = bench.desk.sql(
            "select * from results.blocks where job_id = :job and kind = 'bracket_tile'", job=job_id
        )
        assert (shown.data["field"], shown.data["lr_power"], shown.state) == ("-gradient", 0, "done")
        assert {"torch", "numpy", "scikit-learn", "code", "device", "threads"} <= shown.provenance.keys()
        [read] = [block for block in bench.desk.blocks(job_id) if block.id == tile.id]
        assert (read.provenance, read.data) == (shown.provenance, shown.data)
        assert tile.record["data"]["micro"] == 3
        assert len(bench.desk.sql("select 1 from pairs where job_id = :job", job=job_id)) == 15
    else:
        assert tile.error["kind"] == "memory"
        assert "out of memory" in tile.error["message"]
