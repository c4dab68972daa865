"""Lost objects are computed again, and what was found before stays whatever comes of that."""

import hashlib

import pytest

from schemas.datasets import DatasetImport, IdxManifest, Shard, shard_key
from schemas.diagnostic import Diagnostic
from schemas.retention import Checked, Fault, Retention
from schemas.targets import SavedDirection
from service.api.shards import publish
from service.errors import Missing
from service.queue import datasets
from service.queue.cancel import cancel
from service.queue.retry import retry
from service.retention.fsck import fsck
from service.retention.gc import gc
from tests.support.keeping import brackets, training


def mend(keeper, *jobs: int, **wishes) -> Checked:
    """Start to mend, and do not wait."""
    wishes = {"deep": True, "orphans_older_than": 0.0, "mend": True, "wait_seconds": 0.0, **wishes}
    return fsck(keeper.queue.engine, keeper.store, jobs, **wishes)


def look(keeper, *jobs: int) -> Checked:
    return fsck(keeper.queue.engine, keeper.store, jobs, deep=True, orphans_older_than=1e6)


def drop(keeper, **policy) -> None:
    keeper.age(2)
    gc(
        keeper.queue.engine,
        keeper.store,
        Retention(arrays_older_than="1d", orphans_older_than="0s", **policy),
        dry_run=False,
    )


def events(keeper, job: int) -> str:
    return " | ".join(
        row.message for row in keeper.sql("select message from events where job_id = :job order by id", job=job)
    )


def done_again(keeper, *jobs: int) -> None:
    for job in jobs:
        row = keeper.queue.job(job)
        assert (row.state, row.blocks_done) == ("done", row.blocks_total)
        assert not [block for block in keeper.queue.blocks(job) if block.mending or block.state != "done"]


def test_a_lost_object_is_computed_again(keeper):
    job = keeper.done(Diagnostic(blocks=4))
    before = keeper.named()
    records = [block.record for block in keeper.queue.blocks(job)]
    lost, flipped = before[f"{job}/diagnostic/1"], before[f"{job}/diagnostic/3"]
    keeper.store.delete([lost])
    keeper.flip(flipped)
    said = mend(keeper).mended
    assert (said.jobs, said.blocks) == ((job,), 2)
    assert keeper.queue.job(job).state == "queued"
    assert keeper.work() == [job, job]
    done_again(keeper, job)
    assert look(keeper).clean
    after = keeper.named()
    assert {name for name in after if after[name] != before[name]} == {f"{job}/diagnostic/{i}" for i in (1, 3)}
    assert [block.record for block in keeper.queue.blocks(job)] == records
    assert events(keeper, job).count("mended: 1 objects with the same bytes as before") == 2
    assert keeper.store.get(flipped) != keeper.store.get(after[f"{job}/diagnostic/3"])


def test_phases_are_mended_in_their_order_and_parents_first(keeper):
    child = keeper.done(brackets())
    parent = child - 1
    for key in keeper.named().values():
        keeper.store.delete([key])
    assert set(mend(keeper).mended.jobs) == {parent, child}
    assert keeper.queue.job(child).state == "queued"
    blocks = len(keeper.queue.blocks(parent))
    ran = keeper.work()
    assert ran == [parent] * blocks + [child] * 2
    done_again(keeper, parent, child)
    assert not look(keeper).counts.get(Fault.MISSING)


def test_a_block_whose_inputs_are_lost_too_waits_for_them(keeper):
    job = keeper.done(training())
    keys = keeper.named()
    keeper.store.delete([keys[f"{job}/checkpoints/{step:09d}"] for step in (2, 4)])
    assert mend(keeper).mended.blocks == 2
    keeper.plan()
    assert [block.state for block in keeper.queue.blocks(job)] == ["ready", "waiting"]
    keeper.work()
    done_again(keeper, job)


def test_what_is_sound_does_not_run_again(keeper):
    job = keeper.done(training())
    keeper.store.delete([keeper.named()[f"{job}/checkpoints/{4:09d}"]])
    assert mend(keeper).mended.blocks == 1
    assert keeper.work() == [job]
    done_again(keeper, job)


def test_mending_twice_does_nothing_twice(keeper):
    job = keeper.done(Diagnostic(blocks=2))
    keeper.store.delete([keeper.named()[f"{job}/diagnostic/0"]])
    assert mend(keeper).mended.blocks == 1
    assert mend(keeper).mended.blocks == 0
    keeper.plan()
    assert mend(keeper).mended.blocks == 0
    assert keeper.work() == [job]
    done_again(keeper, job)


def test_a_block_that_cannot_be_mended_keeps_its_results(keeper):
    job = keeper.done(Diagnostic(blocks=2))
    record = keeper.queue.blocks(job)[0].record
    keeper.store.delete([keeper.named()[f"{job}/diagnostic/0"]])
    mend(keeper)
    keeper.plan()
    (block,) = keeper.claim()
    keeper.fail(block)
    done_again(keeper, job)
    assert keeper.queue.blocks(job)[0].record == record
    assert "not mended" in events(keeper, job)
    assert look(keeper).counts == {Fault.MISSING: 1}


def test_what_stands_on_a_block_that_cannot_be_mended_ends_as_well(keeper):
    job = keeper.done(training())
    drop(keeper)
    mend(keeper, job)
    keeper.plan()
    (block,) = keeper.claim()
    keeper.fail(block)
    for _ in range(3):
        keeper.sql("update blocks set ready_at = now() where state = 'ready'")
        assert not keeper.claim()
    done_again(keeper, job)
    assert "was dropped by retention" in events(keeper, job)


@pytest.mark.parametrize("running", [False, True])
def test_a_cancelled_mend_leaves_the_job_done(keeper, running):
    job = keeper.done(Diagnostic(blocks=3))
    keeper.store.delete(list(keeper.named().values()))
    mend(keeper)
    keeper.plan()
    claimed = keeper.claim(1) if running else []
    with keeper.queue.engine.begin() as connection:
        cancel(connection, job)
    for block in claimed:
        assert keeper.queue.job(job).state == "cancelling"
        keeper.fail(block, "cancelled")
    done_again(keeper, job)


def test_a_mend_that_is_cancelled_in_the_queue_leaves_the_job_done(keeper):
    job = keeper.done(Diagnostic(blocks=3))
    keeper.store.delete(list(keeper.named().values()))
    mend(keeper)
    with keeper.queue.engine.begin() as connection:
        cancel(connection, job)
    done_again(keeper, job)


def test_other_bytes_are_told(keeper):
    job = keeper.done(Diagnostic(blocks=1))
    keeper.store.delete(list(keeper.named().values()))
    mend(keeper)
    keeper.work(salt="another machine")
    assert "mended: 1 of 1 objects have other bytes than before (diagnostic/0)" in events(keeper, job)
    assert look(keeper).clean


def test_dropped_arrays_come_back_when_their_job_is_named(keeper):
    job = keeper.done(brackets())
    names = set(keeper.named())
    drop(keeper)
    assert not look(keeper).counts.get(Fault.MISSING)
    assert not mend(keeper).mended.jobs
    assert set(mend(keeper, job).mended.jobs) == {job - 1, job}
    keeper.work()
    assert set(keeper.named()) == names
    assert not keeper.dropped(job) | keeper.dropped(job - 1)


def test_a_new_job_on_a_run_without_checkpoints_has_them_computed_again(keeper):
    parent = keeper.done(training())
    drop(keeper)
    child = keeper.start(brackets())
    assert keeper.queue.job(parent).state == "running"
    assert keeper.queue.job(child).state == "queued"
    assert "whose dropped objects are computed again" in events(keeper, child)
    ran = keeper.work()
    assert set(ran[:2]) == {parent}
    done_again(keeper, parent, child)
    # Until it is done, a policy lets them be; afterwards it may take them again.
    drop(keeper)
    assert keeper.dropped(parent)


def test_a_new_job_fails_when_what_it_needs_cannot_be_computed_again(keeper):
    parent = keeper.done(training())
    drop(keeper)
    child = keeper.start(brackets())
    (block,) = keeper.claim()
    keeper.fail(block)
    for _ in range(3):
        keeper.sql("update blocks set ready_at = now() where state = 'ready'")
        assert not keeper.claim()
    keeper.plan()
    done_again(keeper, parent)
    assert keeper.queue.job(child).state == "failed"
    assert (
        f"could not be computed again: it broke; once `holonomy fsck --mend {parent}` does"
        in keeper.queue.job(child).reason
    )
    mend(keeper, parent)
    with keeper.queue.engine.begin() as connection:
        retry(connection, child)
    keeper.work()
    done_again(keeper, parent, child)


def test_checkpoints_that_are_not_needed_stay_dropped(keeper):
    parent = keeper.done(training())
    drop(keeper)
    child = keeper.start(brackets(steps=(2,)))
    assert keeper.work() == [parent, child, child]
    assert keeper.dropped(parent) == {f"checkpoints/{4:09d}"}


def test_a_retried_job_has_what_it_needs_computed_again(keeper):
    child = keeper.start(brackets(steps=(2, 4)))
    parent = child - 1
    for _ in keeper.queue.blocks(parent):
        (block,) = keeper.claim()
        keeper.commit(block, keeper.written(block))
    keeper.plan()
    one, other = keeper.claim()
    keeper.commit(one, keeper.written(one))
    keeper.fail(other)
    assert keeper.queue.job(child).state == "failed"
    drop(keeper)
    assert keeper.dropped(child)
    assert keeper.dropped(parent)
    with keeper.queue.engine.begin() as connection:
        retry(connection, child)
    assert keeper.queue.job(child).state == "queued"
    ran = keeper.work()
    assert ran == [parent, parent, child, child, child]
    done_again(keeper, parent, child)


def test_a_retried_run_goes_on_from_a_checkpoint_that_was_dropped(keeper):
    job = keeper.start(training())
    (first,) = keeper.claim()
    keeper.commit(first, keeper.written(first))
    (second,) = keeper.claim()
    keeper.fail(second)
    drop(keeper)
    with keeper.queue.engine.begin() as connection:
        retry(connection, job)
    assert keeper.work() == [job, job]
    done_again(keeper, job)


def test_losses_of_a_failed_job_are_let_go(keeper):
    job = keeper.start(Diagnostic(blocks=2))
    first, second = keeper.claim()
    keeper.commit(first, keeper.written(first))
    keeper.fail(second)
    keeper.store.delete(list(keeper.named().values()))
    assert not mend(keeper).mended.jobs
    assert keeper.dropped(job) == {"diagnostic/0"}
    assert look(keeper).clean


def test_a_dropped_direction_is_refused_with_what_to_do(keeper):
    source = keeper.done(brackets(seed=1))
    target = SavedDirection(job_id=source, object="tiles/000000002/000000-000000")
    spec = brackets(seed=2, projections=(target,))
    drop(keeper)
    with pytest.raises(Missing, match=f"`holonomy fsck --mend {source}` computes it again"):
        keeper.start(spec)


def test_a_mend_that_needs_another_jobs_dropped_object_says_so(keeper):
    source, job = keeper.done(Diagnostic(blocks=2)), keeper.done(Diagnostic(blocks=1))
    keeper.sql(
        "update blocks set needs = jsonb_build_array("
        "jsonb_build_object('job_id', cast(:source as bigint), 'name', 'diagnostic/0')) where job_id = :job",
        job=job,
        source=source,
    )
    keeper.store.delete([keeper.named()[f"{job}/diagnostic/0"]])
    keeper.sql("update objects set dropped_at = now() where job_id = :job", job=source)
    (left,) = mend(keeper, job).mended.left
    assert left.startswith(f"object `diagnostic/0` of job {source}, which a projection needs, is gone: ")
    assert f"`holonomy fsck --mend {source}` computes it again" in left
    done_again(keeper, job)


def test_a_job_whose_run_cannot_be_mended_fails_and_says_why(keeper):
    """It would stand at the head of the queue for ever."""
    source, parent = keeper.done(Diagnostic(blocks=2)), keeper.done(training())
    drop(keeper)
    keeper.sql(
        "update blocks set needs = jsonb_build_array("
        "jsonb_build_object('job_id', cast(:source as bigint), 'name', 'diagnostic/0')) where job_id = :job",
        job=parent,
        source=source,
    )
    keeper.sql("update objects set dropped_at = now() where job_id = :job", job=source)
    row = keeper.queue.job(keeper.start(brackets()))
    assert row.state == "failed"
    assert row.reason.startswith(f"object `diagnostic/0` of job {source}, which a projection needs, is gone: ")
    assert keeper.queue.job(parent).state == "done"


def test_damaged_parquet_copies_are_dropped(keeper):
    job = keeper.done(training())
    keeper.store.put("tables/x", b"rowsrows")
    keeper.sql(
        "insert into table_files (job_id, table_name, key, sha256, size_bytes, rows) "
        "values (:job, 'checkpoints', 'tables/x', 'other', 8, 1)",
        job=job,
    )
    assert mend(keeper).mended.tables == 1
    assert "tables/x" not in keeper.stored()
    assert look(keeper).clean


def test_the_damaged_object_is_deleted_after_the_new_one_is_named(keeper):
    job = keeper.done(Diagnostic(blocks=1))
    (key,) = keeper.named().values()
    keeper.flip(key)
    lines = []

    def told(line):
        lines.append(line)
        keeper.work()

    checked = mend(keeper, wait_seconds=None, told=told)
    assert checked.clean
    assert (checked.mended.same, checked.mended.other) == (1, 0)
    assert lines == [f"1 blocks run again; jobs {job} have not ended"]
    assert keeper.stored() == set(keeper.named().values()) != {key}


def test_a_mend_that_takes_too_long_is_left(keeper):
    job = keeper.done(Diagnostic(blocks=1))
    keeper.store.delete(list(keeper.named().values()))
    checked = mend(keeper, wait_seconds=0.01)
    assert checked.mended.left == (f"jobs {job} still run: check again once they have ended",)
    assert not checked.clean


def test_a_job_that_runs_is_left_alone(keeper):
    job = keeper.start(Diagnostic(blocks=2))
    one, _ = keeper.claim()
    keeper.commit(one, keeper.written(one))
    keeper.store.delete(list(keeper.named().values()))
    (left,) = mend(keeper).mended.left
    assert left == f"job {job} is running: its objects can be mended once it has ended"


def test_only_a_transaction_that_mends_may_move_done_blocks(keeper):
    keeper.done(Diagnostic(blocks=1))
    with pytest.raises(Exception, match="cannot go from done to waiting"):
        keeper.sql("update blocks set state = 'waiting'")
    with pytest.raises(Exception, match="cannot go from done to queued"):
        keeper.sql("update jobs set state = 'queued'")


def test_a_damaged_part_of_a_dataset_makes_room_for_the_next_import(keeper):
    data = b"a shard"
    digest = hashlib.sha256(data).hexdigest()
    manifest = IdxManifest(
        shape=(2, 2), labels=("a", "b"), shards=(Shard(sha256=digest, size_bytes=len(data), split="train", count=1),)
    )
    publish(keeper.store, manifest)
    keeper.store.put(shard_key(digest), data)
    with keeper.queue.engine.begin() as connection:
        datasets.register(connection, DatasetImport(name="numbers", manifest=manifest))
    assert look(keeper).clean
    keeper.flip(shard_key(digest))
    (left,) = mend(keeper).mended.left
    assert left.startswith(f"{shard_key(digest)}, a part of a dataset: its bytes have not the sha256")
    assert left.endswith("import the dataset again with `holonomy data import`")
    assert look(keeper).counts == {Fault.MISSING: 1}
    keeper.store.put(shard_key(digest), data)
    assert look(keeper).clean
