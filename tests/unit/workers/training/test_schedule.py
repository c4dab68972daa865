import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import BlockFault
from workers.training.schedule import Schedule, batch_schedule

SIZES = {"n": st.integers(1, 40), "batch_size": st.integers(1, 50), "steps": st.integers(0, 60)}


def batches(schedule: Schedule) -> list[list[int]]:
    return [schedule.batch(step).tolist() for step in range(1, schedule.steps + 1)]


@given(**SIZES, seed=st.integers(0, 2**63 - 1))
def test_every_epoch_sees_every_example_once(seed: int, n: int, batch_size: int, steps: int) -> None:
    schedule = batch_schedule(seed, n, batch_size, steps)
    assert schedule.steps == steps
    per_epoch = -(-n // batch_size)
    cut = batches(schedule)
    assert all(cut)
    for start in range(0, steps, per_epoch):
        epoch = cut[start : start + per_epoch]
        seen = sorted(index for batch in epoch for index in batch)
        assert len(seen) == len(set(seen))
        assert all(len(batch) == min(batch_size, n) for batch in epoch[: per_epoch - 1])
        if len(epoch) == per_epoch:
            assert seen == list(range(n))


@given(**SIZES)
def test_a_longer_schedule_begins_with_the_shorter(n: int, batch_size: int, steps: int) -> None:
    assert batches(batch_schedule(3, n, batch_size, steps + 7))[:steps] == batches(
        batch_schedule(3, n, batch_size, steps)
    )


def test_epochs_and_seeds_differ() -> None:
    schedule = batch_schedule(0, 50, 50, 2)
    assert schedule.batch(1).tolist() != schedule.batch(2).tolist()
    assert batch_schedule(1, 50, 50, 1).batch(1).tolist() != schedule.batch(1).tolist()


def test_arrays_round_trip() -> None:
    schedule = batch_schedule(0, 5, 2, 4)
    assert batches(Schedule.from_arrays(schedule.arrays())) == batches(schedule)


def test_arrays_that_are_no_schedule() -> None:
    with pytest.raises(BlockFault, match=r"holds indices and offsets, came \['indices'\]"):
        Schedule.from_arrays({"indices": torch.zeros(1)})
