"""Retention beside those who are about to rely on what it would take away."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from schemas.datasets import DatasetImport, IdxManifest, Shard, manifest_key, shard_key
from schemas.jobs import Submission
from schemas.retention import Retention
from schemas.targets import SavedDirection
from service.queue import datasets
from service.queue.submit import submit
from service.retention.collect import collect
from service.retention.gc import gc
from service.retention.naming import hold_names
from tests.support.keeping import brackets, training


def blocked(keeper, call: Callable[[], Any], pool: ThreadPoolExecutor) -> Future[Any]:
    """The call under way in another thread, once it waits for a lock."""
    under_way = pool.submit(call)
    keeper.queue.wait(
        lambda: keeper.sql(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ),
        20,
    )
    return under_way


@pytest.mark.parametrize("relies_on", ["checkpoints", "direction"])
def test_a_submission_that_is_not_yet_durable_keeps_what_it_needs(keeper, relies_on):
    source = keeper.done(training() if relies_on == "checkpoints" else brackets())
    keeper.age(2)
    target = SavedDirection(job_id=source, object="tiles/000000002/000000-000000")
    spec = brackets() if relies_on == "checkpoints" else brackets(seed=5, projections=(target,))
    policy = Retention(arrays_older_than="1d")
    with ThreadPoolExecutor(1) as pool, keeper.queue.engine.begin() as connection:
        submit(connection, Submission(spec=spec), submitted_by="other", version="test")
        run = blocked(keeper, lambda: gc(keeper.queue.engine, keeper.store, policy, dry_run=False), pool)
        connection.commit()
        run.result(30)
    expected = set() if relies_on == "checkpoints" else {"tiles/000000004/000000-000000"}
    assert keeper.dropped(source) == expected


def test_parts_that_are_being_named_are_not_collected(keeper):
    data, digest = b"a shard that was uploaded long ago", "5" * 64
    keeper.store.put(shard_key(digest), data)
    manifest = IdxManifest(
        shape=(2, 2), labels=("a", "b"), shards=(Shard(sha256=digest, size_bytes=len(data), split="train", count=1),)
    )
    with ThreadPoolExecutor(1) as pool, keeper.queue.engine.begin() as connection:
        hold_names(connection)
        run = blocked(keeper, lambda: collect(keeper.queue.engine, keeper.store, [shard_key(digest)]), pool)
        named = datasets.register(connection, DatasetImport(name="numbers", manifest=manifest))
        connection.commit()
        assert run.result(30) == []
    assert keeper.stored() == {shard_key(digest)}
    keeper.store.put("datasets/other.json", b"{}")
    keys = [shard_key(digest), manifest_key(named.digest), "datasets/other.json"]
    assert collect(keeper.queue.engine, keeper.store, keys) == ["datasets/other.json"]
