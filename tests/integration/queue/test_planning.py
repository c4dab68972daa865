"""Queued jobs become blocks, once; what cannot be planned fails and harms no other."""

from concurrent.futures import ThreadPoolExecutor

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.states import BlockState, JobState
from schemas.training import Training
from service.queue.sweep import plan_jobs


def test_blocks_are_stored_as_planned(desk):
    child = desk.submit(Brackets(training=Training(steps=2, checkpoints=(0,)), examples=First(count=4)), priority=2)
    assert plan_jobs(desk.engine) == 1
    [segment] = desk.claim()
    desk.commit(desk.done(segment, "schedule", "checkpoints/000000000", "checkpoints/000000002"))
    assert plan_jobs(desk.engine) == 1
    assert [(block.seq, block.phase, block.kind, block.state) for block in desk.blocks(child)] == [
        (0, 0, "bracket_tile", BlockState.READY),
        (1, 0, "bracket_tile", BlockState.READY),
        (2, 1, "bracket_summary", BlockState.WAITING),
        (3, 1, "bracket_summary", BlockState.WAITING),
    ]
    assert {row.priority for row in desk.sql("select priority from blocks")} == {2}
    plan = desk.sql("select plan from jobs where id = :id", id=child)[0].plan
    assert plan["pairs"] == 12
    assert plan["costs"]["bracket_tile"].startswith("bracket_tile/mlp/")


def test_two_planners_plan_a_job_once(desk):
    desk.submit(Diagnostic(blocks=500))
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda _: plan_jobs(desk.engine), range(6))) == 1
    assert desk.sql("select count(*) as n from blocks")[0].n == 500


def test_a_job_that_cannot_be_planned_fails_alone(desk):
    bad = desk.submit(Diagnostic())
    good = desk.submit(Diagnostic(blocks=2))
    desk.sql("update jobs set spec = jsonb_set(spec, '{blocks}', '-1') where id = :id", id=bad)
    assert plan_jobs(desk.engine) == 2
    assert "could not be planned" in desk.job(bad).reason
    assert (desk.job(bad).state, desk.job(good).state) == (JobState.FAILED, JobState.RUNNING)


def test_measured_costs_shape_the_next_plan(desk):
    training = Training(steps=1)
    desk.start(training)
    [segment] = desk.claim()
    desk.commit(desk.done(segment, "schedule", "checkpoints/000000001"))
    spec = Brackets(training=training, examples=First(count=64))
    first = desk.start(spec)
    tiles = desk.claim()
    desk.commit(*(desk.done(tile, f"tiles/{tile.block_id}", kernel_seconds=4000.0) for tile in tiles))
    second = desk.start(spec, fresh=True)
    assert desk.job(second).progress.total > desk.job(first).progress.total
