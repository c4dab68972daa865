from typing import get_args

import pytest

from schemas.blocks import BlockError, ErrorKind
from schemas.states import BLOCK_MOVES, BlockState
from service.queue.failures import MAX_LOST, Tries, judge

FRESH = Tries(attempts=0, max_attempts=3, lost=0, waits=0, shrink=0)


def verdict(kind, jitter=0.5, stopping=False, **tries):
    values = {"attempts": 0, "max_attempts": 3, "lost": 0, "waits": 0, "shrink": 0} | tries
    return judge(BlockError(kind=kind, message="m"), Tries(**values), stopping=stopping, jitter=jitter)


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_every_kind_leads_to_a_legal_move(kind):
    for stopping in (False, True):
        assert verdict(kind, stopping=stopping).state in BLOCK_MOVES[BlockState.RUNNING]


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_nothing_runs_again_in_a_stopping_job(kind):
    assert verdict(kind, stopping=True).state == BlockState.CANCELLED


def test_the_user_is_told_at_once():
    assert verdict("user").state == BlockState.FAILED


def test_memory_gets_one_smaller_run_uncounted():
    again = verdict("memory")
    assert (again.state, again.shrink, again.attempts, again.delay_seconds) == (BlockState.READY, 1, 0, 0)
    assert verdict("memory", shrink=1).state == BlockState.FAILED


def test_waiting_for_a_peer_never_ends_and_grows_to_a_minute():
    delays = [verdict("unavailable", waits=waits).delay_seconds for waits in range(100)]
    assert delays[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert delays[-1] == 60
    assert verdict("unavailable", waits=99).attempts == 0


@pytest.mark.parametrize("kind", ["lost", "cancelled"])
def test_lost_workers_are_not_counted_but_bounded(kind):
    assert verdict(kind).delay_seconds == 0
    assert verdict(kind, lost=MAX_LOST - 1).state == BlockState.READY
    assert verdict(kind, lost=MAX_LOST).state == BlockState.FAILED
    assert verdict(kind, lost=MAX_LOST).attempts == 0


@pytest.mark.parametrize("kind", ["timeout", "internal"])
def test_counted_retries_back_off_and_end(kind):
    first, second, third = (verdict(kind, attempts=attempts) for attempts in range(3))
    assert (first.state, first.delay_seconds, first.reason) == (BlockState.READY, 2, "retry 2 of 3")
    assert (second.state, second.delay_seconds, second.reason) == (BlockState.READY, 4, "retry 3 of 3")
    assert (third.state, third.attempts) == (BlockState.FAILED, 3)


def test_jitter_spreads_a_delay_by_a_quarter():
    delays = [verdict("internal", jitter=jitter).delay_seconds for jitter in (0.0, 0.5, 1.0)]
    assert delays == [1.5, 2.0, 2.5]
    drawn = {judge(BlockError(kind="internal", message="m"), FRESH, stopping=False).delay_seconds for _ in range(20)}
    assert len(drawn) > 1
