"""Learning-rate schedules against formulas by hand, PyTorch's schedulers, and what holds for all of them."""

from itertools import pairwise
from math import pi, sqrt
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from schemas.mistakes import InvalidSpec
from schemas.rates import (
    AnyRate,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    LinearDecay,
    StepDecay,
    mismatch,
    rate_factor,
)
from schemas.training import Training

STEPS = 12


def factors(spec: AnyRate, steps: int = STEPS) -> list[float]:
    return [rate_factor(spec, step, steps) for step in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("spec", "steps", "expected"),
    [
        (ConstantRate(), 3, [1, 1, 1]),
        (ConstantRate(warmup=3), 6, [1 / 4, 2 / 4, 3 / 4, 1, 1, 1]),
        (StepDecay(every=2, factor=0.5), 5, [1, 1, 1 / 2, 1 / 2, 1 / 4]),
        (StepDecay(every=2, factor=0.5, warmup=1), 5, [1 / 2, 1, 1, 1 / 2, 1 / 2]),
        (StepDecay(milestones=(1, 3)), 5, [1, 0.1, 0.1, 0.01, 0.01]),
        (LinearDecay(), 4, [1, 3 / 4, 2 / 4, 1 / 4]),
        (LinearDecay(to=0.5, over=2), 5, [1, 3 / 4, 1 / 2, 1 / 2, 1 / 2]),
        (LinearDecay(warmup=1, hold=2), 6, [1 / 2, 1, 1, 1, 2 / 3, 1 / 3]),
        (CosineDecay(), 4, [1, (1 + sqrt(0.5)) / 2, 1 / 2, (1 - sqrt(0.5)) / 2]),
        (CosineDecay(warmup=1, to=0.2, over=2), 5, [1 / 2, 1, 0.6, 0.2, 0.2]),
        (ExponentialDecay(to=1 / 16), 4, [1, 1 / 2, 1 / 4, 1 / 8]),
        (ExponentialDecay(to=100.0, over=2, hold=1), 5, [1, 1, 10, 100, 100]),
    ],
    ids=str,
)
def test_by_hand(spec: AnyRate, steps: int, expected: list[float]) -> None:
    assert factors(spec, steps) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("spec", "scheduler", "arguments"),
    [
        (StepDecay(every=5, factor=0.3), lr_scheduler.StepLR, {"step_size": 5, "gamma": 0.3}),
        (StepDecay(milestones=(3, 4, 9)), lr_scheduler.MultiStepLR, {"milestones": [3, 4, 9], "gamma": 0.1}),
        (CosineDecay(), lr_scheduler.CosineAnnealingLR, {"T_max": STEPS}),
        (CosineDecay(to=0.25), lr_scheduler.CosineAnnealingLR, {"T_max": STEPS, "eta_min": 0.25}),
        (
            LinearDecay(to=0.1, over=5),
            lr_scheduler.LinearLR,
            {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 5},
        ),
        (ExponentialDecay(to=0.9**STEPS), lr_scheduler.ExponentialLR, {"gamma": 0.9}),
        (ConstantRate(warmup=4), lr_scheduler.LinearLR, {"start_factor": 0.2, "total_iters": 4}),
    ],
    ids=str,
)
def test_pytorch_has_the_same_schedule(spec: AnyRate, scheduler: Any, arguments: dict[str, Any]) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, expected = scheduler(optimizer, **arguments), []
    for _ in range(STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert factors(spec) == pytest.approx(expected, rel=1e-12)


def decays(**fields: Any) -> st.SearchStrategy[AnyRate]:
    steps, to = st.integers(0, 40), st.floats(1e-3, 10)
    common = {"warmup": steps, "hold": steps, "over": st.none() | st.integers(1, 100), "to": to, **fields}
    return st.one_of(*(st.builds(kind, **common) for kind in (CosineDecay, LinearDecay, ExponentialDecay)))


drops = st.builds(
    StepDecay, warmup=st.integers(0, 40), factor=st.floats(1e-3, 1), every=st.integers(1, 100)
) | st.builds(StepDecay, factor=st.floats(1e-3, 1), milestones=st.sets(st.integers(1, 80), min_size=1).map(sorted))


@given(decays() | drops | st.builds(ConstantRate, warmup=st.integers(0, 40)), st.integers(81, 200))
def test_between_nothing_and_the_larger_end_and_whole_after_the_warmup(spec: AnyRate, steps: int) -> None:
    found = factors(spec, steps)
    low, high = min(1.0, getattr(spec, "to", 0.0)), max(1.0, getattr(spec, "to", 1.0))
    whole = spec.warmup + getattr(spec, "hold", 0)
    assert found[spec.warmup : whole + 1] == [1.0] * (whole + 1 - spec.warmup)
    assert found[: spec.warmup] == [step / (spec.warmup + 1) for step in range(1, spec.warmup + 1)]
    assert all(low - 1e-12 <= factor <= high + 1e-12 for factor in found[spec.warmup :])


@given(decays(to=st.floats(0.01, 1)), st.integers(81, 200))
def test_a_decay_falls_to_its_end_and_stays_without_a_jump(spec: AnyRate, steps: int) -> None:
    found = factors(spec, steps)[spec.warmup :]
    length = spec.over or steps - spec.warmup - spec.hold
    steepest = {"cosine": pi / 2, "linear": 1.0, "exponential": 5.0}[spec.kind]  # of decay(x); −ln 0.01 < 5
    for before, after in pairwise(found):
        assert -1e-12 <= before - after <= steepest / length + 1e-12
    if spec.warmup + spec.hold + length < steps:
        assert found[-1] == spec.to


@given(decays(), st.integers(81, 200), st.integers(1, 50))
def test_with_a_length_of_its_own_a_longer_run_begins_with_the_shorter(spec: AnyRate, steps: int, more: int) -> None:
    pinned = spec.model_copy(update={"over": 30})
    assert factors(pinned, steps + more)[:steps] == factors(pinned, steps)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"kind": "step"},
            "rate: give either `every` or `milestones` for the drops of the rate, not both or",
        ),
        ({"kind": "step", "every": 2, "milestones": [3]}, "give either `every` or `milestones`"),
        ({"kind": "step", "milestones": [5, 3]}, r"milestones must be ascending and unique; came \(5, 3\)"),
        (
            {"kind": "step", "milestones": [2], "warmup": 3},
            "the rate drops after its warmup of 3 steps; came a milestone at 2",
        ),
        (
            {"kind": "step", "milestones": [3, 10, 20]},
            r"milestones \[10, 20\] leave no step of the run's 10 after them: leave them out",
        ),
        (
            {"kind": "constant", "warmup": 10},
            "the rate's warmup of 10 steps must end before the run's 10: shorten it",
        ),
        (
            {"kind": "linear", "warmup": 4, "hold": 6},
            "the rate's warmup of 4 steps and hold of 6 must end before the run's 10: shorten it, or train longer",
        ),
        ({"kind": "step", "every": 1, "factor": 1.5}, "rate.factor: expected less than or equal to 1; came 1.5"),
        ({"kind": "exponential", "to": 0}, "rate.to: expected greater than 0; came 0"),
        ({"kind": "cosin"}, "rate: unknown kind 'cosin': .*; did you mean 'cosine'"),
    ],
)
def test_mistakes_are_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message) as caught:
        Training(steps=10, rate=fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate", [ConstantRate(), CosineDecay(to=0.5), LinearDecay(), ExponentialDecay()])
def test_where_the_first_step_of_a_run_without_steps_would_be_the_rate_is_whole(rate: AnyRate) -> None:
    assert mismatch(rate, 0) is None
    assert rate_factor(rate, 1, 0) == 1.0


def test_what_fits_a_run() -> None:
    assert mismatch(StepDecay(milestones=(9,), warmup=9), 10) is None
    assert mismatch(CosineDecay(warmup=4, hold=5, over=100), 10) is None
    assert mismatch(ConstantRate(), 0) is None
