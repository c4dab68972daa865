"""Small networks in float64 with their dense references."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from tests.support.cases import CASES
from tests.support.dense import Dense, dense
from workers.brackets.functional import Functional
from workers.losses import example_loss
from workers.models import initialised

SHAPE, K, N = (1, 4, 4), 3, 6
NAMES = ("a", "b", "c")


@dataclass(frozen=True)
class Problem:
    """A network at a point, examples, and their derivatives by the slow way."""

    functional: Functional
    model: nn.Module
    inputs: Tensor
    targets: Tensor
    reference: Dense


@cache
def derived(name: str) -> tuple[nn.Module, Tensor, Tensor, Dense]:
    """A network, examples and their slow derivatives, made once; nobody may write into them."""
    spec, loss_spec = CASES[name]
    draw = torch.Generator().manual_seed(7)
    model = initialised(spec, SHAPE, K, 3, torch.float64)
    for buffer in model.buffers():  # statistics as a run would leave them, not 0 and 1
        if buffer.is_floating_point():
            buffer.copy_(torch.rand(buffer.shape, generator=draw) + 0.5)
    inputs = torch.randn(N, *SHAPE, generator=draw, dtype=torch.float64)
    targets = torch.eye(K, dtype=torch.float64)[torch.arange(N) % K]
    return model, inputs, targets, dense(model, example_loss(loss_spec, NAMES), inputs, targets)


def make(name: str, dtype: torch.dtype = torch.float64) -> Problem:
    spec, loss_spec = CASES[name]
    model, inputs, targets, reference = derived(name)
    loss = example_loss(loss_spec, NAMES)
    functional = Functional.of(initialised(spec, SHAPE, K, 3, dtype), loss)
    functional = Functional(
        functional.model,
        functional.parameters,
        {name: buffer.to(functional.buffers[name].dtype) for name, buffer in model.named_buffers()},
        loss,
    )
    return Problem(functional, model, inputs.to(dtype, copy=True), targets.to(dtype, copy=True), reference)


@pytest.fixture
def problem_of() -> Callable[..., Problem]:
    return make


@pytest.fixture(params=sorted(CASES))
def problem(request: pytest.FixtureRequest) -> Problem:
    return make(request.param)
