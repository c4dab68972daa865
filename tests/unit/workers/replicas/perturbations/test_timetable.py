from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from schemas.optimizers import Sgd
from schemas.replicas import Replicas
from workers.errors import UserFault
from workers.replicas.perturbations.courses import Course, courses
from workers.replicas.perturbations.timetable import Timetable
from workers.replicas.stack.parts import Part, check_cover
from workers.training.schedule import batch_schedule

N, B, STEPS = 20, 6, 10
SCHEDULE = batch_schedule(0, N, B, STEPS)
NOISE: dict[str, Any] = {"kind": "gaussian", "epsilon": 0.1, "scale": "global"}
SLOWER: dict[str, Any] = {"kind": "change", "parameter": "lr", "factor": 0.5, "start": 4, "stop": 6}
SWAP: dict[str, Any] = {"kind": "swap_steps", "first": 3, "second": 4}  # a batch of 6, and one of 2
SHUFFLE: dict[str, Any] = {"kind": "reshuffle", "after": 5}


def group(*arms: list[dict[str, Any]], replicas: int = 2) -> tuple[Course, ...]:
    spec = Replicas.model_validate(
        {
            "training": {"kind": "training", "steps": STEPS, "batch_size": B},
            "arms": [{"perturbations": arm, "replicas": replicas} for arm in arms],
        }
    )
    return courses(spec, SCHEDULE, N, range(spec.count))


def cut(parts: tuple[Part, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...], float]]:
    return [(part.members, tuple(part.examples.shape), part.optimizer.lr) for part in parts]


def test_members_that_do_the_same_are_one_part() -> None:
    table = Timetable(group([NOISE], [NOISE, SLOWER], [SWAP]))
    everyone = tuple(range(8))
    assert cut(table.parts(1)) == [(everyone, (6,), 0.01)]
    assert torch.equal(table.parts(1)[0].examples, SCHEDULE.batch(1))
    assert table.parts(1)[0].members is table.parts(7)[0].members
    assert table.parts(1)[0].optimizer == Sgd()


def test_changed_rules_and_edited_batches_are_parts_of_their_own() -> None:
    table = Timetable(group([NOISE], [NOISE, SLOWER], [SWAP]))
    assert cut(table.parts(3)) == [((0, 1, 2, 3, 4, 5), (6,), 0.01), ((6, 7), (2, 2), 0.01)]
    assert cut(table.parts(4)) == [((0, 1, 2, 3), (2,), 0.01), ((6, 7), (2, 6), 0.01), ((4, 5), (2,), 0.005)]
    assert cut(table.parts(5)) == [((0, 1, 2, 3, 6, 7), (6,), 0.01), ((4, 5), (6,), 0.005)]


def test_equal_changes_of_two_arms_go_together() -> None:
    other = {**SLOWER, "factor": None, "value": 0.005}
    assert cut(Timetable(group([SLOWER], [NOISE], [other], replicas=1)).parts(4)) == [
        ((0, 1, 3), (2,), 0.01),
        ((2, 4), (2,), 0.005),
    ]


def test_a_batch_that_comes_out_equal_is_shared() -> None:
    assert cut(Timetable(group([SWAP, SWAP])).parts(3)) == [((0, 1, 2, 3), (6,), 0.01)]


ARMS: list[dict[str, Any]] = [
    NOISE,
    SLOWER,
    SWAP,
    SHUFFLE,
    {"kind": "reseed", "after": 7},
    {"kind": "drop_example", "example": 4},
    {"kind": "drop_example", "example": int(SCHEDULE.batch(2)[1]), "step": 2},
    {"kind": "replace_example", "example": 5, "by": 4},
    {"kind": "swap_examples", "first": {"step": 1, "position": 1}, "second": {"step": 9, "position": 0}},
]


@given(st.lists(st.lists(st.sampled_from(ARMS), min_size=1, max_size=4), min_size=1, max_size=4))
def test_parts_hold_every_member_with_its_own_batch_and_rule(arms: list[list[dict[str, Any]]]) -> None:
    try:
        members = group(*arms)
    except UserFault:  # one edit has taken away what the next one names
        return
    table = Timetable(members)
    for step in range(1, STEPS + 1):
        try:
            expected = [(course.batch(step).tolist(), course.optimizer(step)) for course in members]
        except UserFault:
            continue
        parts = table.parts(step)
        check_cover(parts, len(members))
        for part in parts:
            for place, member in enumerate(part.members):
                examples = part.examples if part.shared else part.examples[place]
                assert (examples.tolist(), part.optimizer) == expected[member]
                assert part.shared == torch.equal(examples, SCHEDULE.batch(step))


def test_moves_are_those_of_the_members() -> None:
    table = Timetable(group([NOISE, {**NOISE, "step": 4, "epsilon": 0.2}], [SWAP], [{**NOISE, "step": 4}]))
    assert [(due.member, due.move.epsilon) for due in table.moves(4)] == [
        (1, 0.0),
        (2, 0.2),
        (3, 0.2),
        (6, 0.1),
        (7, 0.1),
    ]
    assert [due.member for due in table.moves(0)] == [1, 2, 3]
    assert not list(table.moves(1))
    (_, first, second), (_, again, _) = table.moves(0), table.moves(0)
    assert float(first.draw.standard_normal()) == float(again.draw.standard_normal())
    assert float(first.draw.standard_normal()) != float(second.draw.standard_normal())


def test_a_batch_left_empty_is_said_when_it_comes() -> None:
    first, second = SCHEDULE.batch(4).tolist()
    both = [{"kind": "drop_example", "example": example} for example in (first, second)]
    table = Timetable(group(both))
    table.parts(3)
    with pytest.raises(UserFault, match="the batch of step 4 with no example"):
        table.parts(4)
