"""Claims: order, devices, concurrency limits, inputs."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import text

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.states import BlockState, JobState
from schemas.training import Training
from service.queue.upkeep import plan_jobs


def test_higher_priority_first_then_older(desk):
    low = desk.start(Diagnostic(blocks=2), priority=-1)
    usual = desk.start(Diagnostic(blocks=2), fresh=True)
    high = desk.start(Diagnostic(blocks=2, seconds=1), priority=7)
    taken = [block.job_id for _ in range(3) for block in desk.claim(2)]
    assert taken == [high] * 2 + [usual] * 2 + [low] * 2


def test_a_claim_says_all_that_a_worker_needs(desk):
    job_id = desk.start(Diagnostic(seconds=2))
    [block] = desk.claim(holder="me")
    assert (block.job_id, block.run, block.shrink, block.inputs_json) == (job_id, 1, 0, "[]")
    assert block.digest == desk.job(job_id).digest
    assert Diagnostic.model_validate_json(block.spec_json) == Diagnostic(seconds=2)
    assert block.timeout_seconds > 2
    [row] = desk.blocks(job_id)
    assert (row.state, row.leased_by, row.runs) == (BlockState.RUNNING, "me", 1)
    assert desk.job(job_id).started_at is not None


def test_devices(desk):
    anywhere = desk.start(Training(steps=1))
    cpu = desk.start(Training(steps=1, device="cpu"))
    cuda = desk.start(Training(steps=1, device="cuda"))
    assert [block.job_id for block in desk.claim(1, device="cuda")] == [anywhere]
    assert [block.job_id for block in desk.claim(device="cuda")] == [cuda]
    assert [block.job_id for block in desk.claim(device="cpu")] == [cpu]


def test_a_limit_of_zero_takes_nothing(desk):
    desk.start(Diagnostic())
    assert desk.claim(0) == []


def test_two_claimers_share_a_concurrency_limit(desk):
    capped = desk.start(Diagnostic(blocks=40), max_running_blocks=4)
    free = desk.start(Diagnostic(blocks=10, seconds=1))
    barrier = Barrier(8)

    def claim(_):
        barrier.wait()
        return desk.claim(3)

    with ThreadPoolExecutor(8) as pool:
        taken = [block for blocks in pool.map(claim, range(8)) for block in blocks]
    running = [block for block in taken if block.job_id == capped]
    assert len(running) <= 4
    running += [block for block in desk.claim() if block.job_id == capped]
    assert len(running) == 4
    assert len({block.block_id for block in taken if block.job_id == free}) <= 10
    assert desk.claim() == []
    desk.commit(desk.done(running[0]), desk.broken(running[1], "internal"))
    assert len(desk.claim()) == 2


def test_claimers_never_share_a_block(desk):
    desk.start(Diagnostic(blocks=200))
    with ThreadPoolExecutor(8) as pool:
        taken = [block.block_id for blocks in pool.map(lambda _: desk.claim(25), range(8)) for block in blocks]
    taken += [block.block_id for block in desk.claim(200)]
    assert len(taken) == len(set(taken)) == 200


def test_backoff_keeps_a_block_from_being_claimed(desk):
    job_id = desk.start(Diagnostic())
    [block] = desk.claim()
    desk.commit(desk.broken(block, "internal", "no luck"))
    assert desk.claim() == []
    assert desk.blocks(job_id)[0].reason.startswith("retry 2 of 3 in ")
    desk.due()
    assert len(desk.claim()) == 1


def test_a_block_whose_needs_cannot_be_read_holds_no_other_up(desk):
    poisoned = desk.start(Diagnostic(blocks=2))
    with desk.engine.begin() as connection:
        connection.execute(
            text("""update blocks set needs = '[{"nonsense": 1}]' where job_id = :job and seq = 0"""),
            {"job": poisoned},
        )
    assert len(desk.claim()) == 1
    reasons = [block.reason for block in desk.blocks(poisoned)]
    assert "the block's needs cannot be read" in reasons[0]


def test_needs_become_references(desk):
    desk.start(Brackets(training=Training(steps=2, checkpoints=(0,)), examples=First(count=3)))
    [segment] = desk.claim()
    desk.commit(desk.done(segment, "schedule", "checkpoints/000000000", "checkpoints/000000002"))
    plan_jobs(desk.engine)
    tiles = desk.claim()
    assert ['"checkpoints/000000000"' in tile.inputs_json for tile in tiles] == [True, False]
    desk.commit(desk.done(tiles[0], "sums/000000000/000000-000000"))
    desk.commit(desk.done(tiles[1], "sums/000000002/000000-000000"))
    summaries = desk.claim()
    assert ["sums/000000002/" in summary.inputs_json for summary in summaries] == [False, True]
    desk.commit(*(desk.done(summary) for summary in summaries))
    assert desk.job(2).state == JobState.DONE


def test_a_block_whose_input_is_gone_fails_with_the_reason(desk):
    job_id = desk.start(Training(steps=2, checkpoints=(1,)))
    [segment] = desk.claim()
    desk.commit(desk.done(segment, "schedule"))
    assert desk.claim() == []
    assert desk.blocks(job_id)[1].error.message == f"job {job_id} has no object `checkpoints/000000001`"


def test_a_block_whose_input_is_gone_does_not_wait_for_its_job(desk):
    """Whoever holds the job may wait for the block: to stop it, or to set its limits."""
    job_id = desk.start(Training(steps=2, checkpoints=(1,)))
    [segment] = desk.claim()
    desk.commit(desk.done(segment, "schedule"))
    with desk.engine.begin() as other:
        other.execute(text("select from jobs for no key update"))
        assert desk.claim() == []
    assert desk.blocks(job_id)[1].state == "running"
    desk.lapse()
    desk.rescue()
    desk.due()
    assert desk.claim() == []
    assert desk.blocks(job_id)[1].error.message == f"job {job_id} has no object `checkpoints/000000001`"
