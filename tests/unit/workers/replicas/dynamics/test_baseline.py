import pytest
import torch

from schemas.models import ConvNet, Mlp
from schemas.optimizers import Adam, Sgd
from schemas.rates import LinearDecay
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from workers.data import load
from workers.errors import UserFault
from workers.replicas.dynamics.baseline import Baseline
from workers.replicas.dynamics.step_map import first_state


def baseline(context: MemoryContext, **fields: object) -> Baseline:
    base = {"model": Mlp(hidden=(4,)), "steps": 4, "batch_size": 300, "dtype": "float64"}
    spec = Training.model_validate({**base, **fields})
    return Baseline.start(spec, load(spec.data, context, torch.float64))


@pytest.mark.parametrize(
    "fields",
    [
        {"optimizer": Sgd(lr=0.1, momentum=0.9, nesterov=True)},
        {"optimizer": Adam(), "rate": LinearDecay(warmup=1)},
        {"model": ConvNet(channels=(2,)), "batch_size": 30, "optimizer": Sgd(lr=0.1, weight_decay=0.01)},
    ],
    ids=["nesterov", "adam-schedule", "batchnorm"],
)
def test_the_map_of_a_step_takes_its_state_to_the_next(fields: dict[str, object], context: MemoryContext) -> None:
    run = baseline(context, **fields)
    for step in range(1, 5):
        move, state = run.step(step)
        predicted, reached = move(state), run.state(step)
        assert list(predicted) == list(state) == list(first_state(run.rule(step), state["parameters"]))
        for name, tensor in reached.items():
            torch.testing.assert_close(predicted[name], tensor, rtol=1e-9, atol=1e-12)


def test_running_statistics_act_on_no_step(context: MemoryContext) -> None:
    one, other = (baseline(context, model=ConvNet(channels=(2,)), batch_size=30) for _ in range(2))
    for name, buffer in other.stack.buffers.items():
        if name.endswith("running_mean"):
            buffer += 5
    for run in (one, other):
        for step in (1, 2):
            run.step(step)
    assert all(torch.equal(tensor, other.state(2)[name]) for name, tensor in one.state(2).items())


def test_a_state_that_is_not_finite_is_told_with_its_step(context: MemoryContext) -> None:
    run = baseline(context)
    run.check_finite(1)
    next(iter(run.stack.parameters.values()))[0, 0] = torch.inf
    with pytest.raises(UserFault, match="need a baseline that stays finite, it does not at step 1"):
        run.check_finite(1)
