from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from workers.brackets import frozen as module
from workers.brackets.frozen import frozen_statistics
from workers.brackets.functional import Functional
from workers.errors import Cancelled, UserFault
from workers.losses.functions import squared_error_sum

INPUTS = torch.randn(12, 2, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Branches(nn.Module):
    """Layers are met in another order than they were made in, and one has no affine part."""

    def __init__(self, momentum: float | None = 0.1) -> None:
        super().__init__()
        self.last = nn.BatchNorm1d(3, momentum=momentum, affine=False)
        self.side = nn.BatchNorm2d(4, momentum=momentum)
        self.first = nn.BatchNorm2d(2, momentum=momentum, eps=1e-3)
        self.conv = nn.Conv2d(2, 4, 3)
        self.head = nn.Linear(4, 3)
        self.drop = nn.Dropout()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.first(x))
        return self.last(self.head(self.drop((torch.tanh(self.side(y)) + y).mean((2, 3)))))


def made(momentum: float | None = 0.1) -> Functional:
    torch.manual_seed(0)
    model = Branches(momentum).double()
    for _ in range(2):
        model(torch.randn(7, 2, 5, 5, dtype=torch.float64))
    return Functional.of(model, squared_error_sum)


def train_mode(functional: Functional, inputs: Tensor) -> Tensor:
    """Logits with BatchNorm in train mode and all else in eval mode."""
    model = Branches().double()
    model.eval()
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.train()
    buffers = {name: buffer.clone() for name, buffer in functional.buffers.items()}
    return functional_call(model, (functional.parameters, buffers), (inputs,))


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("chunk", [1, 5, 256])
def test_logits_of_the_batch_are_those_of_train_mode(
    momentum: float | None, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    functional = made(momentum)
    frozen = frozen_statistics(functional, INPUTS)
    torch.testing.assert_close(
        frozen.logits(frozen.parameters, INPUTS), train_mode(functional, INPUTS), rtol=1e-12, atol=1e-12
    )
    # An example alone is treated as it was within the batch.
    alone = frozen.logits(frozen.parameters, INPUTS[3:4])
    torch.testing.assert_close(alone, train_mode(functional, INPUTS)[3:4], rtol=1e-12, atol=1e-12)


def test_nothing_is_changed_but_what_is_returned() -> None:
    functional = made()
    before = {name: buffer.clone() for name, buffer in functional.buffers.items()}
    own = {name: tensor.clone() for name, tensor in functional.model.state_dict().items()}
    first, second = (frozen_statistics(functional, INPUTS) for _ in range(2))
    for name, buffer in functional.buffers.items():
        assert torch.equal(buffer, before[name])
        assert torch.equal(first.buffers[name], second.buffers[name])
    assert not torch.equal(first.buffers["first.running_mean"], before["first.running_mean"])
    assert all(torch.equal(tensor, own[name]) for name, tensor in functional.model.state_dict().items())
    assert not any(layer._forward_pre_hooks for layer in functional.model.modules())
    assert first.parameters is functional.parameters


def test_no_derivative_flows_through_the_statistics() -> None:
    frozen = frozen_statistics(made(), INPUTS)
    weight = frozen.parameters["conv.weight"]
    moved = frozen.parameters | {"conv.weight": weight + 1}
    assert not any(buffer.requires_grad for buffer in frozen.buffers.values())
    # Train mode undoes a shift of all weights of `head`'s bias; constants do not.
    shifted = moved | {"conv.weight": weight, "head.bias": frozen.parameters["head.bias"] + 1}
    difference = frozen.logits(shifted, INPUTS) - frozen.logits(frozen.parameters, INPUTS)
    assert float(difference.abs().min()) > 0.1


def test_statistics_keep_their_type() -> None:
    functional = made()
    single = replace(
        functional,
        parameters={name: tensor.float() for name, tensor in functional.parameters.items()},
        buffers={n: b.float() if b.is_floating_point() else b for n, b in functional.buffers.items()},
    )
    frozen = frozen_statistics(single, INPUTS.float())
    assert frozen.buffers["side.running_var"].dtype == torch.float32
    assert frozen.buffers["side.num_batches_tracked"].dtype == torch.int64


def test_a_model_without_batchnorm_comes_back() -> None:
    functional = Functional.of(nn.Sequential(nn.Flatten(), nn.Linear(50, 3)).double(), squared_error_sum)
    assert frozen_statistics(functional, INPUTS) is functional


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(torch.tanh(self.norm(x))).mean((2, 3))


def test_a_layer_with_two_batches_is_refused() -> None:
    with pytest.raises(UserFault, match="'norm' is used 2 times"):
        frozen_statistics(Functional.of(Twice().double(), squared_error_sum), INPUTS)


def test_it_ends_when_told_to_and_leaves_no_hook() -> None:
    def stop() -> None:
        raise Cancelled("told to stop")

    functional = made()
    with pytest.raises(Cancelled, match="told to stop"):
        frozen_statistics(functional, INPUTS, stop)
    assert not any(layer._forward_pre_hooks for layer in functional.model.modules())
