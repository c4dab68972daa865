import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from schemas.models import ConvNet, Mlp
from schemas.optimizers import Adam, RegistryOptimizer, Sgd
from workers.errors import BlockFault, UserFault
from workers.models import initialised
from workers.training.checkpoint import capture, load_tensors, restore
from workers.training.optimizers import optimizer

SPEC = ConvNet(channels=(2, 3))


def trained(spec, steps: int = 3) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A small convnet after some steps on noise."""
    model = initialised(SPEC, (1, 4, 4), 2, 0, torch.float32)
    made = optimizer(spec, model.parameters())
    draw = torch.Generator().manual_seed(0)
    for _ in range(steps):
        made.zero_grad()
        model(torch.randn(5, 1, 4, 4, generator=draw)).square().mean().backward()
        made.step()
    return model, made


def fresh(spec) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = initialised(SPEC, (1, 4, 4), 2, 1, torch.float32)
    return model, optimizer(spec, model.parameters())


def assert_bitwise(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype, name
        assert tensor.numpy().tobytes() == second[name].numpy().tobytes(), name


@pytest.mark.parametrize(
    "spec",
    [Sgd(), Sgd(momentum=0.9), Adam(), RegistryOptimizer(name="counting")],
    ids=["sgd", "momentum", "adam", "counting"],
)
def test_state_survives_safetensors_bitwise(spec, lab: None) -> None:
    arrays = capture(*trained(spec))
    model, made = fresh(spec)
    restore(model, made, load(save(arrays)))
    assert_bitwise(capture(model, made), arrays)


def test_what_is_named(lab: None) -> None:
    names = capture(*trained(RegistryOptimizer(name="counting")))
    assert {
        "parameters/0.weight",
        "buffers/1.running_mean",
        "buffers/1.num_batches_tracked",
        "rng/cpu",
    } <= names.keys()
    assert {"optimizer/state/0.weight/count:int", "optimizer/state/0.weight/last:none"} <= names.keys()
    assert {"optimizer/groups/0/taken:int", "optimizer/groups/0/warm:bool"} <= names.keys()
    assert names["optimizer/state/0.weight/total"].dtype == torch.int64


def test_a_copy_does_not_change_with_the_model() -> None:
    model, made = trained(Adam())
    arrays = capture(model, made)
    before = {name: tensor.clone() for name, tensor in arrays.items()}
    with torch.no_grad():
        model[0].weight.zero_()
        model[1].running_mean.zero_()
        made.state[model[0].weight]["exp_avg"].zero_()
    assert_bitwise(arrays, before)


def test_restoring_does_not_tie_the_optimizer_to_the_arrays() -> None:
    arrays = capture(*trained(Adam()))
    before = {name: tensor.clone() for name, tensor in arrays.items()}
    model, made = fresh(Adam())
    restore(model, made, arrays)
    model(torch.ones(5, 1, 4, 4)).square().mean().backward()
    made.step()
    assert_bitwise(arrays, before)


def test_generators_are_restored() -> None:
    model, made = trained(Sgd())
    torch.manual_seed(5)
    arrays = capture(model, made)
    expected = torch.rand(4)
    restore(model, made, arrays)
    assert torch.equal(torch.rand(4), expected)


def test_a_checkpoint_of_another_model() -> None:
    arrays = capture(*trained(Sgd()))
    with pytest.raises(BlockFault, match=r"does not fit the model: \['buffers/1.num_batches_tracked', .* differ"):
        load_tensors(initialised(Mlp(), (1, 4, 4), 2, 0, torch.float32), arrays)


def test_loading_casts_to_the_models_type() -> None:
    model, made = trained(Sgd())
    double = initialised(SPEC, (1, 4, 4), 2, 1, torch.float64)
    load_tensors(double, capture(model, made))
    assert torch.equal(double[0].weight, model[0].weight.double())


def test_state_that_is_no_tensor(lab: None) -> None:
    with pytest.raises(
        UserFault, match=r"state 'optimizer/state/0.weight/history' is a dict, which cannot be stored"
    ):
        capture(*trained(RegistryOptimizer(name="remembering")))
