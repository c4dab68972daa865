from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.batch_edits import batch_length, misplaced
from schemas.perturbations import Perturbation
from workers.training.schedule import batch_schedule

ADAPTER: TypeAdapter[Any] = TypeAdapter(Perturbation)
GRADIENT: dict[str, Any] = {"kind": "gradient", "epsilon": 0.1, "scale": "global"}


def seats(step: int, position: int) -> dict[str, Any]:
    return {
        "kind": "swap_examples",
        "first": {"step": 1, "position": 0},
        "second": {"step": step, "position": position},
    }


@given(st.integers(1, 40), st.integers(1, 50), st.integers(1, 60))
def test_lengths_are_those_of_the_schedule(train: int, batch_size: int, steps: int) -> None:
    schedule = batch_schedule(0, train, batch_size, steps)
    lengths = [batch_length(step, train, batch_size) for step in range(1, steps + 1)]
    assert lengths == [len(schedule.batch(step)) for step in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("perturbation", "batch_size", "message"),
    [
        (seats(4, 2), 6, "swap_examples names place 2 of step 4, whose batch has 2, numbered 0 to 1"),
        (seats(3, 6), 6, "names place 6 of step 3, whose batch has 6"),
        (
            {"kind": "drop_example", "example": 20},
            6,
            "reaches index 20 but the train split has 20 examples, numbered 0",
        ),
        ({"kind": "drop_example", "example": 3}, 1, "drop_example would leave a batch with no example: take larger"),
        ({"kind": "drop_example", "example": 3, "step": 2}, 19, "would leave the batch of step 2 with no example"),
        ({"kind": "replace_example", "example": 3, "by": 30}, 6, "replace_example reaches index 30"),
        ({"kind": "replace_example", "example": 31, "by": 3}, 6, "replace_example reaches index 31"),
        ({**GRADIENT, "examples": 21}, 6, "the batch of a gradient move reaches index 20"),
        ({**GRADIENT, "examples": [1, 25]}, 6, "the batch of a gradient move reaches index 25"),
        ({**GRADIENT, "examples": {"kind": "random", "count": 22}}, 6, "reaches index 21"),
    ],
)
def test_what_does_not_fit(perturbation: dict[str, Any], batch_size: int, message: str) -> None:
    why = misplaced(ADAPTER.validate_python(perturbation), 20, batch_size)
    assert why is not None
    assert message in why


@pytest.mark.parametrize(
    "perturbation",
    [
        seats(4, 1),
        seats(3, 5),
        {"kind": "drop_example", "example": 19},
        {"kind": "drop_example", "example": 19, "step": 4},
        {"kind": "replace_example", "example": 19, "by": 0},
        {**GRADIENT, "examples": 20},
        {"kind": "swap_steps", "first": 1, "second": 2},
        {"kind": "reshuffle", "after": 2},
        {"kind": "reseed", "after": 2},
        {"kind": "gaussian", "epsilon": 0.1, "scale": "global"},
        {"kind": "sphere", "epsilon": 0.1, "scale": "global"},
        {"kind": "change", "parameter": "lr", "value": 1, "start": 1, "stop": 2},
    ],
)
def test_what_fits(perturbation: dict[str, Any]) -> None:
    assert misplaced(ADAPTER.validate_python(perturbation), 20, 6) is None
