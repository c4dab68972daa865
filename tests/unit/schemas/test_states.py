"""The transition tables: complete, closed, and final where they must be."""

import pytest

from schemas.states import BLOCK_MOVES, JOB_MOVES, TERMINAL_BLOCKS, TERMINAL_JOBS, BlockState, JobState


def test_every_state_has_its_moves() -> None:
    assert set(JOB_MOVES) == set(JobState)
    assert set(BLOCK_MOVES) == set(BlockState)


def test_done_is_final() -> None:
    assert JOB_MOVES[JobState.DONE] == frozenset()
    assert BLOCK_MOVES[BlockState.DONE] == frozenset()


@pytest.mark.parametrize("state", sorted(TERMINAL_BLOCKS - {BlockState.DONE}))
def test_ended_blocks_are_left_by_retry_alone(state: BlockState) -> None:
    assert BLOCK_MOVES[state] == {BlockState.READY, BlockState.WAITING}


@pytest.mark.parametrize("state", sorted(TERMINAL_JOBS - {JobState.DONE}))
def test_ended_jobs_are_left_by_retry_alone(state: JobState) -> None:
    assert JOB_MOVES[state] == {JobState.QUEUED, JobState.RUNNING}


def test_every_state_but_the_first_can_be_reached() -> None:
    assert set().union(*JOB_MOVES.values()) == set(JobState)
    assert set().union(*BLOCK_MOVES.values()) == set(BlockState)
