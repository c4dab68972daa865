"""Whatever the order of submissions, work, losses, drops and orphans: no object that a live row names is deleted."""

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from schemas.diagnostic import Diagnostic
from schemas.retention import ArrayKind, Retention
from service.errors import Conflict
from service.queue.retry import retry
from service.retention.fsck import fsck
from service.retention.gc import gc
from tests.support.keeping import Keeper, brackets, training

SPECS = (training(0), training(1), brackets(0), brackets(1, steps=(2,)), Diagnostic(blocks=2))


class RetentionMachine(RuleBasedStateMachine):
    """Blocks write into the bucket when they are claimed, and commit or are lost later."""

    keeper: Keeper

    def __init__(self):
        super().__init__()
        self.keeper.sql("truncate jobs, blocks, events, objects, table_files, pairs restart identity cascade")
        self.keeper.store.delete(sorted(self.keeper.stored()))
        self.held = []

    @rule(spec=st.sampled_from(SPECS))
    def submit(self, spec):
        # Refused while its training run has failed.
        with suppress(Conflict):
            self.keeper.start(spec)

    @rule(count=st.integers(1, 4))
    def work(self, count):
        self.keeper.plan()
        for block in self.keeper.claim(count):
            self.held.append((block, self.keeper.written(block)))

    @rule(count=st.integers(1, 4))
    def finish(self, count):
        done, self.held = self.held[:count], self.held[count:]
        for block, objects in done:
            assert self.keeper.commit(block, objects)

    @rule()
    def lose(self):
        for block, _ in self.held[:1]:
            self.keeper.fail(block, "lost")
        self.held = self.held[1:]

    @rule()
    def fail(self):
        for block, _ in self.held[:1]:
            self.keeper.fail(block)
        self.held = self.held[1:]

    @rule()
    def retry(self):
        for row in self.keeper.sql("select id from jobs where state = 'failed' order by id"):
            if self.keeper.queue.job(row.id).state == "failed":
                with self.keeper.queue.engine.begin() as connection:
                    retry(connection, row.id)

    @rule(kinds=st.sets(st.sampled_from([ArrayKind.CHECKPOINTS, ArrayKind.TILES]), min_size=1))
    def drop(self, kinds):
        policy = Retention(arrays_older_than="0s", kinds=tuple(sorted(kinds)), orphans_older_than="0s")
        gc(self.keeper.queue.engine, self.keeper.store, policy, dry_run=False)
        # Nothing is left over either: what is in the bucket is named, or may be by a block that runs.
        running = {reference.key for _, objects in self.held for reference in objects}
        assert self.keeper.stored() <= set(self.keeper.named().values()) | running

    @rule(number=st.integers(0, 50))
    def lose_an_object_and_mend(self, number):
        named = sorted(self.keeper.named().values())
        if named:
            self.keeper.store.delete([named[number % len(named)]])
        self._mend()
        # Those that ran while an object of theirs went missing cannot be mended: they are put right by hand.
        for row in self._missing():
            self.keeper.store.put(row.key, b"restored")

    @invariant()
    def what_rows_name_is_there(self):
        assert not self._missing()

    @invariant()
    def a_done_job_is_whole(self):
        rows = self.keeper.sql("""
            select j.id from jobs j where j.state = 'done' and (
                j.blocks_done <> j.blocks_total
                or exists (select from blocks b where b.job_id = j.id and (b.state <> 'done' or b.mending))
            )
        """)
        assert not rows

    @invariant()
    def counters_agree(self):
        rows = self.keeper.sql("""
            select j.id, j.blocks_done, count(b.id) as done from jobs j
            left join blocks b on b.job_id = j.id and b.state = 'done' group by j.id
        """)
        assert all(row.blocks_done == row.done for row in rows)

    def teardown(self):
        """Everything that was begun can be ended: no job is stuck for want of what was dropped."""
        for block, objects in self.held:
            self.keeper.commit(block, objects)
        self.retry()
        self.keeper.work()
        assert {row.state for row in self.keeper.sql("select state from jobs")} <= {"done"}

    def _mend(self):
        fsck(self.keeper.queue.engine, self.keeper.store, [], orphans_older_than=1e9, mend=True, wait_seconds=0.0)

    def _missing(self):
        stored = self.keeper.stored()
        rows = self.keeper.sql(
            "select o.key, b.mending from objects o join blocks b on b.id = o.block_id where dropped_at is null"
        )
        return [row for row in rows if row.key not in stored and not row.mending]


def test_no_order_of_events_loses_an_object_that_is_named(keeper):
    machine = type("Machine", (RetentionMachine,), {"keeper": keeper})
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=8, stateful_step_count=15, database=None, suppress_health_check=checks),
    )
