"""Queued jobs become blocks, once; what cannot be planned fails and harms no other."""

import json
from concurrent.futures import ThreadPoolExecutor

from schemas.blocks import payload
from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.perturbations import Gaussian
from schemas.replicas import Arm, Replicas
from schemas.states import BlockState, JobState
from schemas.training import Training
from service.queue.upkeep import plan_jobs


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


def test_segments_of_groups_go_on_from_their_own_states(desk):
    arms = [Arm(perturbations=[Gaussian(epsilon=0.1, scale="global")], replicas=5)]
    job = desk.start(Replicas(training=Training(steps=4, checkpoints=(2,)), arms=arms, group_size=3))
    for start, stop in ((0, 2), (2, 4)):
        claimed = desk.claim()
        payloads = [payload.validate_json(block.payload_json) for block in claimed]
        assert [(one.start, one.stop, one.replicas) for one in payloads] == [
            (start, stop, (0, 2)),
            (start, stop, (2, 5)),
        ]
        assert [[ref["name"] for ref in json.loads(block.inputs_json)] for block in claimed] == [
            [f"states/{start:09d}/{group:05d}"] if start else [] for group in (0, 1)
        ]
        desk.commit(
            *(
                desk.done(block, f"states/{stop:09d}/{group:05d}", f"looks/{group:05d}/{start:09d}")
                for group, block in enumerate(claimed)
            )
        )
    [summary] = desk.claim()
    assert len(json.loads(summary.inputs_json)) == 4
    desk.commit(desk.done(summary))
    assert desk.job(job).state is JobState.DONE


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
