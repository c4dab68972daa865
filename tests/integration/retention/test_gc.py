"""Policies: what goes, what stays, and what the next run finds after one that was interrupted."""

import pytest

from schemas.diagnostic import Diagnostic
from schemas.retention import ArrayKind, Collected, Retention
from schemas.targets import SavedDirection
from service.retention import gc as module
from service.retention.gc import gc
from tests.support.keeping import brackets, training

NOW = "0s"


def run(keeper, *, dry_run: bool = False, **policy) -> Collected:
    return gc(keeper.queue.engine, keeper.store, Retention(**{"orphans_older_than": NOW, **policy}), dry_run=dry_run)


def test_old_arrays_go_and_summaries_stay(keeper):
    job = keeper.done(brackets())
    keeper.age(31)
    before = keeper.stored()
    said = run(keeper, arrays_older_than="30d", dry_run=True)
    assert keeper.stored() == before
    assert not keeper.dropped(job)
    done = run(keeper, arrays_older_than="30d")
    # Two tiles of the job; of its training run, checkpoints 0, 2 and 4.
    assert [(share.jobs, share.objects) for share in done.shares] == [(2, 5), (0, 0)]
    assert done.shares == said.shares
    assert {name.split("/")[0] for name in keeper.dropped(job)} == {"tiles"}
    assert keeper.stored() == set(keeper.named().values())
    assert {name.split("/")[1] for name in keeper.named()} == {"sums", "schedule"}
    assert run(keeper, arrays_older_than="30d").shares[0].objects == 0


def test_young_jobs_keep_their_arrays(keeper):
    keeper.done(training())
    keeper.age(29)
    assert run(keeper, arrays_older_than="30d").shares[0].objects == 0


def test_only_the_chosen_kinds_go(keeper):
    job = keeper.done(brackets())
    keeper.age(2)
    run(keeper, arrays_older_than="1d", kinds=(ArrayKind.TILES,))
    assert len(keeper.dropped(job)) == 2
    assert not keeper.dropped(job - 1)


@pytest.mark.parametrize(
    ("labels", "policy"),
    [
        ({"tags": ("paper",)}, {"keep_tags": ("thesis", "paper")}),
        ({"name": "figure 2"}, {"keep_names": ("figure 2",)}),
        ({"project": "kept"}, {"keep_projects": ("kept",)}),
    ],
)
def test_kept_jobs_keep_their_training_runs(keeper, labels, policy):
    keeper.sql("insert into projects (name) values ('kept')")
    kept, other = keeper.done(brackets(seed=1), **labels), keeper.done(brackets(seed=2))
    keeper.age(2)
    run(keeper, arrays_older_than="1d", **policy)
    assert not keeper.dropped(kept)
    assert not any(keeper.dropped(job) for job in (kept - 1, kept))
    assert all(keeper.dropped(job) for job in (other - 1, other))


def test_the_checkpoints_of_an_unfinished_job_stay(keeper):
    parent = keeper.done(training())
    keeper.age(2)
    keeper.start(brackets())
    run(keeper, arrays_older_than="1d")
    assert not keeper.dropped(parent)


def test_a_direction_of_an_unfinished_job_stays(keeper):
    source = keeper.done(brackets(seed=1))
    keeper.age(2)
    target = SavedDirection(job_id=source, object="tiles/000000002/000000-000000")
    keeper.start(brackets(seed=2, projections=(target,)))
    run(keeper, arrays_older_than="1d")
    assert keeper.dropped(source) == {"tiles/000000004/000000-000000"}


def test_orphans_go_once_they_are_old_enough(keeper):
    keeper.done(training())
    keeper.store.put("jobs/nobody/1", b"left by a crash")
    assert run(keeper, orphans_older_than="1h").shares[0].objects == 0
    assert run(keeper).shares[0].objects == 1
    assert keeper.stored() == set(keeper.named().values())


def test_what_a_running_block_wrote_is_no_orphan(keeper):
    keeper.start(Diagnostic(blocks=1))
    (block,) = keeper.claim()
    objects = keeper.written(block)
    assert run(keeper).shares[0].objects == 0
    assert keeper.commit(block, objects)
    assert keeper.stored() == {reference.key for reference in objects}


def test_what_a_lost_block_wrote_is_one(keeper):
    keeper.start(Diagnostic(blocks=1))
    (block,) = keeper.claim()
    objects = keeper.written(block)
    keeper.fail(block, "lost")
    assert run(keeper).shares[0].objects == 1
    assert not keeper.commit(block, objects)


def test_an_object_that_two_rows_name_stays_for_the_second(keeper):
    first, second = keeper.done(training()), keeper.done(training(seed=1))
    keeper.sql(
        "update objects o set key = other.key from objects other "
        "where o.job_id = :second and other.job_id = :first and o.name = other.name",
        first=first,
        second=second,
    )
    keeper.age(2, first)
    run(keeper, arrays_older_than="1d")
    assert len(keeper.dropped(first)) == 3
    assert set(keeper.named(second).values()) <= keeper.stored()


def test_an_interrupted_run_is_finished_by_the_next(keeper, monkeypatch):
    job = keeper.done(training())
    keeper.age(2)

    def broken(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(module, "collect", broken)
        with pytest.raises(RuntimeError, match="killed"):
            run(keeper, arrays_older_than="1d")
    assert len(keeper.dropped(job)) == 3
    assert len(keeper.stored()) == 4
    assert run(keeper, arrays_older_than="1d").shares[-1].objects == 3
    assert keeper.stored() == set(keeper.named().values())


def test_old_parquet_copies_go(keeper):
    job = keeper.done(training())
    keeper.store.put("tables/x.parquet", b"rows")
    keeper.sql(
        "insert into table_files (job_id, table_name, key, sha256, size_bytes, rows, created_at) "
        "values (:job, 'checkpoints', 'tables/x.parquet', 'x', 4, 1, now() - interval '8 days')",
        job=job,
    )
    assert run(keeper, tables_older_than="9d").shares[0].objects == 0
    assert run(keeper, tables_older_than="7d", dry_run=True).shares[0].objects == 1
    assert run(keeper, tables_older_than="7d").shares[0].objects == 1
    assert "tables/x.parquet" not in keeper.stored()
