from collections import Counter
from functools import partial

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.replicas.perturbations.batches import Batches, Epochs
from workers.replicas.perturbations.orders import Draw, Reseeded, Reshuffled
from workers.streams import Stream, generator
from workers.training.schedule import batch_schedule

SIZES = {
    "n": st.integers(1, 30),
    "batch_size": st.integers(1, 12),
    "steps": st.integers(1, 50),
    "after": st.integers(0, 60),
    "seed": st.integers(0, 1000),
}


def drawing(seed: int, number: int = 0, place: int = 0) -> Draw:
    return partial(generator, seed, Stream.PERTURBATION, number, place)


def seen(batches: Batches, steps: range) -> list[list[int]]:
    return [batches.batch(step).tolist() for step in steps]


def counted(batches: Batches, steps: range) -> Counter[int]:
    return Counter(example for batch in seen(batches, steps) for example in batch)


def test_epochs() -> None:
    epochs = Epochs(train=10, batch_size=4, steps=8)
    assert epochs.length == 3
    assert [epochs.place(step) for step in (1, 3, 4, 8)] == [(0, 0), (0, 2), (1, 0), (2, 1)]
    assert [list(epochs.within(epoch)) for epoch in range(3)] == [[1, 2, 3], [4, 5, 6], [7, 8]]


@given(**SIZES)
def test_a_reshuffle_orders_each_epoch_anew(n: int, batch_size: int, steps: int, after: int, seed: int) -> None:
    schedule, epochs = batch_schedule(3, n, batch_size, steps), Epochs(n, batch_size, steps)
    shuffled = Reshuffled(schedule, after, epochs, drawing(seed))
    everything = range(1, steps + 1)
    assert seen(shuffled, range(1, min(after, steps) + 1)) == seen(schedule, range(1, min(after, steps) + 1))
    assert [len(batch) for batch in seen(shuffled, everything)] == [
        len(batch) for batch in seen(schedule, everything)
    ]
    for epoch in range(epochs.place(steps)[0] + 1):
        left = range(max(epochs.within(epoch).start, after + 1), epochs.within(epoch).stop)
        assert counted(shuffled, left) == counted(schedule, left)


@given(**SIZES)
def test_another_seed_has_whole_epochs_of_its_own(n: int, batch_size: int, steps: int, after: int, seed: int) -> None:
    schedule, epochs = batch_schedule(3, n, batch_size, steps), Epochs(n, batch_size, steps)
    other = Reseeded(schedule, after, epochs, drawing(seed))
    assert seen(other, range(1, min(after, steps) + 1)) == seen(schedule, range(1, min(after, steps) + 1))
    assert [len(other.batch(s)) for s in range(1, steps + 1)] == [len(schedule.batch(s)) for s in range(1, steps + 1)]
    for epoch in range(epochs.place(steps)[0] + 1):
        within = epochs.within(epoch)
        if within.start > after:
            whole = counted(other, within)
            assert max(whole.values()) == 1
            assert len(within) < epochs.length or sorted(whole) == list(range(n))


def test_steps_may_be_asked_for_in_any_order() -> None:
    schedule, epochs = batch_schedule(0, 20, 4, 25), Epochs(20, 4, 25)
    for kind in (Reshuffled, Reseeded):
        forward = seen(kind(schedule, 7, epochs, drawing(1)), range(1, 26))
        jumping = kind(schedule, 7, epochs, drawing(1))
        steps = np.random.default_rng(0).permutation(np.arange(1, 26)).tolist()
        assert {step: jumping.batch(step).tolist() for step in steps} == dict(enumerate(forward, start=1))


def test_orders_differ_between_epochs_replicas_places_and_seeds() -> None:
    schedule, epochs = batch_schedule(0, 40, 40, 2), Epochs(40, 40, 2)
    draws = [drawing(0), drawing(1), drawing(0, number=1), drawing(0, place=1)]
    for kind in (Reshuffled, Reseeded):
        orders = [tuple(batch) for draw in draws for batch in seen(kind(schedule, 0, epochs, draw), range(1, 3))]
        assert len({*orders, *map(tuple, seen(schedule, range(1, 3)))}) == len(orders) + 2


def test_a_longer_run_begins_with_the_other_seed_of_the_shorter() -> None:
    short, long = (Reseeded(batch_schedule(0, 9, 4, steps), 2, Epochs(9, 4, steps), drawing(5)) for steps in (7, 20))
    assert seen(long, range(1, 8)) == seen(short, range(1, 8))
