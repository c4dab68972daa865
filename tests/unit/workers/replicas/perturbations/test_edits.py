from collections import Counter
from collections.abc import Sequence
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from schemas.perturbations import (
    DropExample,
    Edit,
    ReplaceExample,
    Reseed,
    Reshuffle,
    Seat,
    SwapExamples,
    SwapSteps,
)
from workers.errors import UserFault
from workers.replicas.perturbations.batches import Batches, Epochs
from workers.replicas.perturbations.edits import edited
from workers.streams import Stream, generator
from workers.training.schedule import Schedule, batch_schedule

N, B, STEPS = 20, 6, 10
EPOCHS = Epochs(N, B, STEPS)


def schedule() -> Schedule:
    return batch_schedule(1, N, B, STEPS)


def batches(edits: Sequence[Edit], start: Batches | None = None) -> Batches:
    found: Batches = start or schedule()
    for place, edit in enumerate(edits):
        found = edited(found, edit, EPOCHS, partial(generator, 0, Stream.PERTURBATION, 0, place))
    return found


def seen(found: Batches) -> dict[int, list[int]]:
    return {step: found.batch(step).tolist() for step in range(1, STEPS + 1)}


def differing(found: Batches) -> set[int]:
    before, after = seen(schedule()), seen(found)
    return {step for step in before if before[step] != after[step]}


def swap(first: tuple[int, int], second: tuple[int, int]) -> SwapExamples:
    here, there = (Seat(step=step, position=position) for step, position in (first, second))
    return SwapExamples(first=here, second=there)


def test_two_steps_exchange_their_batches() -> None:
    found, before = batches([SwapSteps(first=3, second=8)]), seen(schedule())
    assert seen(found) == {**before, 3: before[8], 8: before[3]}


def test_two_places_exchange_their_examples() -> None:
    found, before = batches([swap((2, 5), (7, 0))]), seen(schedule())
    assert seen(found) == {**before, 2: [*before[2][:5], before[7][0]], 7: [before[2][5], *before[7][1:]]}


def test_two_places_of_one_batch() -> None:
    found, before = batches([swap((2, 1), (2, 3))]), seen(schedule())
    a, b, c, d, *rest = before[2]
    assert seen(found) == {**before, 2: [a, d, c, b, *rest]}


def test_the_schedule_itself_is_left_alone() -> None:
    start = schedule()
    kept = start.indices.clone()
    seen(batches([swap((2, 1), (3, 3)), ReplaceExample(example=0, by=1), DropExample(example=2)], start))
    assert torch.equal(start.indices, kept)


def test_an_example_drops_out_wherever_it_occurs() -> None:
    before = seen(schedule())
    assert seen(batches([DropExample(example=4)])) == {s: [e for e in b if e != 4] for s, b in before.items()}
    assert seen(batches([ReplaceExample(example=4, by=9)])) == {
        step: [9 if example == 4 else example for example in batch] for step, batch in before.items()
    }


def test_an_example_drops_out_of_one_step() -> None:
    before = seen(schedule())
    gone = before[6][2]
    assert seen(batches([DropExample(example=gone, step=6)])) == {**before, 6: [e for e in before[6] if e != gone]}
    replaced = batches([ReplaceExample(example=gone, by=gone + 1, step=6)])
    assert differing(replaced) == {6}
    assert replaced.batch(6)[2] == gone + 1


def test_edits_follow_each_other() -> None:
    before = seen(schedule())
    (gone, *rest), other = before[2], before[9]
    drop = DropExample(example=gone, step=2)
    assert seen(batches([drop, SwapSteps(first=2, second=9)])) == {**before, 2: other, 9: rest}
    with pytest.raises(UserFault, match=f"names example {gone}, which is not in the batch of step 2"):
        batches([SwapSteps(first=2, second=9), drop])
    chain = [ReplaceExample(example=3, by=5), ReplaceExample(example=5, by=7), DropExample(example=7)]
    assert all({3, 5, 7}.isdisjoint(batch) for batch in seen(batches(chain)).values())


EDITS = st.one_of(
    st.tuples(st.integers(1, STEPS), st.integers(1, STEPS))
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: SwapSteps(first=pair[0], second=pair[1])),
    st.tuples(
        st.tuples(st.integers(1, STEPS), st.integers(0, 1)), st.tuples(st.integers(1, STEPS), st.integers(0, 1))
    )
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: swap(*pair)),
    st.integers(0, STEPS - 1).map(lambda after: Reshuffle(after=after)),
)


@given(st.lists(EDITS, max_size=5))
def test_orders_change_and_examples_stay(edits: list[Edit]) -> None:
    def counted(found: Batches) -> Counter[int]:
        return Counter(example for batch in seen(found).values() for example in batch)

    assert counted(batches(edits)) == counted(schedule())


@given(st.lists(EDITS, max_size=5), st.integers(0, STEPS - 1))
def test_equal_steps_before_the_first_edit(edits: list[Edit], after: int) -> None:
    late = [*(edit for edit in edits if isinstance(edit, Reshuffle) and edit.after >= after), Reseed(after=after)]
    assert all(step > after for step in differing(batches(late)))


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([swap((4, 2), (5, 0))], "names place 2 of step 4, whose batch has 2, numbered 0 to 1: choose among those"),
        ([SwapSteps(first=3, second=4), swap((3, 5), (1, 0))], "names place 5 of step 3, whose batch has 2"),
        ([ReplaceExample(example=25, by=1, step=3)], "example 25, which is not in the batch of step 3: name a step"),
    ],
)
def test_edits_of_what_is_not_there(edits: list[Edit], message: str) -> None:
    with pytest.raises(UserFault, match=message):
        batches(edits)


def test_a_batch_left_empty() -> None:
    first, second = schedule().batch(4).tolist()
    message = "would leave the batch of step 4 with no example: take larger batches, or replace the example"
    with pytest.raises(UserFault, match=message):
        batches([DropExample(example=first), DropExample(example=second, step=4)])
    with pytest.raises(UserFault, match=message):
        batches([DropExample(example=first), DropExample(example=second)]).batch(4)
