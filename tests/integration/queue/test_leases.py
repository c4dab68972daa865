"""Leases are renewed, lapse, and are rescued; a poisoned row stops nobody."""

from sqlalchemy import text

from schemas.diagnostic import Diagnostic
from schemas.states import BlockState, JobState
from service.queue import leases
from service.queue.cancel import cancel
from service.queue.commit import commit
from service.queue.failures import MAX_LOST


def test_a_renewed_lease_is_not_rescued(desk):
    desk.start(Diagnostic(blocks=2))
    kept, lost = desk.claim(lease_seconds=0.0)
    assert desk.renew(kept).lost == frozenset()
    assert desk.rescue() == 1
    renewal = desk.renew(kept, lost)
    assert (renewal.lost, renewal.cancelled) == ({lost.block_id}, frozenset())


def test_a_rescued_block_runs_again_uncounted(desk):
    job_id = desk.start(Diagnostic())
    desk.claim(holder="dead")
    desk.lapse()
    desk.rescue()
    [block] = desk.blocks(job_id)
    assert (block.state, block.attempts, block.runs) == (BlockState.READY, 0, 1)
    assert "no sign of life from dead" in block.error.message
    [again] = desk.claim()
    assert again.run == 2


def test_a_block_that_keeps_killing_its_worker_stops_in_the_end(desk):
    job_id = desk.start(Diagnostic())
    for _ in range(MAX_LOST + 1):
        desk.due()
        assert len(desk.claim()) == 1
        desk.lapse()
        assert desk.rescue() == 1
    assert desk.job(job_id).state == JobState.FAILED
    assert desk.blocks(job_id)[0].reason == f"its worker died {MAX_LOST + 1} times"


def test_a_poisoned_row_does_not_stop_the_rescuer(desk):
    desk.start(Diagnostic(blocks=5))
    blocks = desk.claim()
    desk.start(Diagnostic(blocks=2))
    desk.claim()
    poisoned = blocks[2].block_id
    desk.sql(f"""
        create function poison() returns trigger language plpgsql as
        $$ begin if old.id = {poisoned} then raise exception 'poisoned'; end if; return new; end $$
    """)
    desk.lapse()
    desk.sql("create trigger poison before update on blocks for each row execute function poison()")
    assert desk.rescue() == 6
    assert desk.rescue() == 0
    assert [row.id for row in desk.sql("select id from blocks where state = 'running'")] == [poisoned]


def test_the_rescuer_ends_blocks_of_a_cancelled_job(desk):
    job_id = desk.start(Diagnostic(blocks=2))
    desk.claim(1)
    with desk.engine.begin() as connection:
        assert cancel(connection, job_id) == JobState.CANCELLING
    desk.lapse()
    assert desk.rescue() == 1
    assert desk.job(job_id).state == JobState.CANCELLED


def test_silent_dispatchers_are_forgotten_after_a_day(desk):
    desk.sql("""
        insert into dispatchers (id, heartbeat_at, slots, busy) values ('old', now() - interval '2 days', '{}', '{}')
    """)
    desk.beat()
    assert [row.id for row in desk.sql("select id from dispatchers")] == ["one"]


def test_a_slow_commit_does_not_hold_up_the_renewal_of_other_leases(desk):
    desk.start(Diagnostic(blocks=2))
    committing, computing = desk.claim(lease_seconds=5.0)
    with desk.engine.begin() as slow:
        assert commit(slow, [desk.done(committing)]) == [True]
        with desk.engine.begin() as connection:
            connection.execute(text("set local lock_timeout = '2s'"))
            tokens = {block.block_id: block.token for block in (committing, computing)}
            assert leases.renew(connection, tokens, 300.0).lost == frozenset()
    [renewed] = desk.sql(
        "select lease_until > now() + interval '1 minute' as far from blocks where state = 'running'"
    )
    assert renewed.far
    assert desk.renew(committing).lost == {committing.block_id}
