"""What a check finds in a bucket that somebody tampered with: that, and nothing else."""

import hashlib

import pytest

from schemas.diagnostic import Diagnostic
from schemas.retention import Checked, Fault
from service.errors import Missing
from service.retention.fsck import fsck
from tests.support.keeping import brackets, training


def run(keeper, *jobs: int, **wishes) -> Checked:
    return fsck(keeper.queue.engine, keeper.store, jobs, **{"deep": True, "orphans_older_than": 0.0, **wishes})


@pytest.fixture
def job(keeper) -> int:
    """Brackets of six pairs at each of two checkpoints."""
    return keeper.done(brackets())


def found(checked: Checked) -> set[tuple[Fault, str]]:
    return {(finding.fault, finding.key) for finding in checked.examples}


def test_a_whole_bucket_is_clean(keeper, job):
    checked = run(keeper)
    assert checked.clean
    assert not checked.counts
    assert checked.objects == len(keeper.named())
    assert run(keeper, job).objects == checked.objects


def test_it_finds_exactly_what_was_done(keeper, job):
    keys = keeper.named()
    missing, shorter, flipped = (
        keys[f"{job}/{name}/00000000{step}/000000-000000"] for name, step in (("tiles", 2), ("tiles", 4), ("sums", 2))
    )
    keeper.store.delete([missing])
    keeper.overwrite(shorter, b"short")
    keeper.flip(flipped)
    keeper.store.put("jobs/x", b"nobody's")
    shallow = {(Fault.MISSING, missing), (Fault.SIZE, shorter), (Fault.ORPHANED, "jobs/x")}
    assert found(run(keeper, deep=False)) == shallow
    everything = run(keeper)
    assert found(everything) == shallow | {(Fault.CORRUPTED, flipped)}
    assert everything.counts == dict.fromkeys(("missing", "size", "corrupted", "orphaned"), 1)
    assert not everything.clean
    assert found(run(keeper, job)) == found(everything) - {(Fault.ORPHANED, "jobs/x")}
    assert not run(keeper, job - 1).counts


def test_orphans_are_looked_for_in_all_of_the_bucket_whatever_its_order(keeper):
    # A store on top of a file system lists `a/b` before `a-b`; by their bytes they stand the other way round.
    keys = ["jobs/a/b", "jobs/a-b", "jobs/a.b/c", "jobs/ä", "jobs/a%20b", "jobs/a b"]
    for key in keys:
        keeper.store.put(key, b"nobody's")
    checked = run(keeper)
    assert checked.counts == {Fault.ORPHANED: len(keys)}
    assert len(checked.examples) == 5


def test_young_objects_are_no_orphans(keeper):
    keeper.store.put("jobs/x", b"nobody's yet")
    assert run(keeper, orphans_older_than=3_600.0).clean


def test_what_runs_is_clean(keeper):
    keeper.start(Diagnostic(blocks=3))
    one, two, _ = keeper.claim()
    keeper.commit(one, keeper.written(one))
    keeper.written(two)
    assert run(keeper).clean


def test_what_was_dropped_is_not_missing(keeper):
    keeper.done(training())
    keeper.sql("update objects set dropped_at = now() where name = 'schedule'")
    checked = run(keeper)
    assert checked.counts == {Fault.ORPHANED: 1}


def test_lost_parts_of_datasets_and_tables_are_found(keeper):
    job = keeper.done(training())
    data = b"rows"
    digest = hashlib.sha256(data).hexdigest()
    keeper.store.put("tables/x", data)
    keeper.sql(
        "insert into table_files (job_id, table_name, key, sha256, size_bytes, rows) "
        "values (:job, 'checkpoints', 'tables/x', :digest, 4, 1)",
        job=job,
        digest=digest,
    )
    assert run(keeper).clean
    keeper.flip("tables/x")
    assert found(run(keeper, job)) == {(Fault.CORRUPTED, "tables/x")}


def test_pairs_that_a_table_lost_are_counted(keeper, job):
    keeper.sql("delete from pairs where job_id = :job and step = 2 and i = 0", job=job)
    checked = run(keeper)
    assert checked.counts == {Fault.ROWS: 1}
    (finding,) = checked.examples
    assert finding.job_id == job
    assert finding.detail == "its blocks made 12 rows, the table has 9"


def test_a_job_that_is_not_there(keeper):
    with pytest.raises(Missing, match="there is no job 7"):
        run(keeper, 7)
