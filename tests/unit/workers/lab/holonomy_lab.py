"""A lab's package, as it would be installed in a worker image: parts that behave, and parts that do not."""

from math import prod
from typing import ClassVar

import torch
from torch import nn

from workers.data import Dataset, Split


def not_a_module(input_shape, outputs):
    return "a module"


class Dropout(nn.Sequential):
    def __init__(self, input_shape, outputs, p=0.5):
        super().__init__(nn.Flatten(), nn.Dropout(p), nn.Linear(prod(input_shape), outputs))


class DropoutLeftOn(Dropout):
    def forward(self, inputs):
        return super().forward(nn.functional.dropout(inputs, 0.5, training=True))


class BatchStatistics(nn.Sequential):
    def __init__(self, input_shape, outputs):
        width = prod(input_shape)
        super().__init__(nn.Flatten(), nn.BatchNorm1d(width, track_running_stats=False), nn.Linear(width, outputs))


class FrozenLayer(nn.Sequential):
    """A trainable head on a fixed random layer."""

    def __init__(self, input_shape, outputs):
        super().__init__(nn.Flatten(), nn.Linear(prod(input_shape), 4), nn.Tanh(), nn.Linear(4, outputs))
        self[1].requires_grad_(False)


class Frozen(FrozenLayer):
    def __init__(self, input_shape, outputs):
        super().__init__(input_shape, outputs)
        self.requires_grad_(False)


class DataDependent(Dropout):
    """Branches on a value, which cannot be batched over directions."""

    def forward(self, inputs):
        logits = super().forward(inputs)
        return logits if float(logits.detach().sum()) > 0 else 2 * logits


class Explodes(nn.Module):
    """Gradients of inputs above a threshold are infinite: the root of a parameter that is 0."""

    def __init__(self, input_shape, outputs, threshold=0.0):
        super().__init__()
        self.linear = nn.Linear(prod(input_shape), outputs)
        self.root = nn.Parameter(torch.zeros(1))
        self.threshold = threshold

    def forward(self, inputs):
        flat = inputs.flatten(1)
        above = flat.sum(1, keepdim=True) > self.threshold
        return self.linear(flat) + torch.where(above, self.root, 1 + self.root).sqrt()


class Hungry(Dropout):
    """Asks for more memory than there is, once it is differentiated."""

    def forward(self, inputs):
        if inputs.requires_grad or torch._C._functorch.maybe_current_level() is not None:
            torch.empty(2**60, dtype=torch.uint8)
        return super().forward(inputs)


def not_a_dataset():
    return [1, 2]


def two_labels(n=12, seed=0):
    """Points of the plane with two independent labels."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(2 * n, 2, generator=draw)
    labels = (inputs > 0).double()
    return Dataset(Split(inputs[:n], labels[:n]), Split(inputs[n:], labels[n:]), ("right", "up"), "none")


def power(exponent=2):
    return lambda logits, targets: (logits - targets).pow(exponent).sum(-1)


def mean_over_batch():
    return lambda logits, targets: (logits - targets).square().mean()


def not_a_tensor():
    return lambda logits, targets: 0.0


def centred():
    """Couples the examples of a batch, as losses of contrast do."""
    return lambda logits, targets: (logits - logits.mean(0, keepdim=True) - targets).square().sum(-1)


def breaks():
    return lambda logits, targets: logits.reshape(7)


def not_an_optimizer(parameters):
    return "an optimizer"


class CountingSgd(torch.optim.Optimizer):
    """SGD at rate lr / (1 + steps taken), counted in a plain integer, a tensor and the group."""

    def __init__(self, parameters, lr=0.1):
        super().__init__(parameters, {"lr": lr, "taken": 0, "warm": True})

    @torch.no_grad()
    def step(self, closure=None, **options):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state.update(count=0, total=torch.zeros((), dtype=torch.int64), last=None)
                state["count"] += 1
                state["total"] += 1
                parameter -= group["lr"] / (state["count"] + int(state["total"]) + group["taken"]) * parameter.grad
            group["taken"] += 1


class Searching(CountingSgd):
    """Evaluates the loss several times a step, as line searches do."""

    def step(self, closure):
        closure()


class RememberingSgd(CountingSgd):
    """Keeps a dictionary as state, which cannot be stored as tensors."""

    def step(self, closure=None):
        super().step()
        for parameter in self.param_groups[0]["params"]:
            self.state[parameter]["history"] = {"steps": 1}


class Watchful(nn.Sequential):
    """Notes at every forward pass whether deterministic algorithms are on."""

    seen: ClassVar[list[bool]] = []

    def __init__(self, input_shape, outputs):
        super().__init__(nn.Flatten(), nn.Linear(prod(input_shape), outputs))

    def forward(self, inputs):
        self.seen.append(torch.are_deterministic_algorithms_enabled())
        return super().forward(inputs)


class Recurrent(nn.Module):
    def __init__(self, input_shape, outputs):
        super().__init__()
        self.recurrent, self.head = nn.GRU(1, 2, batch_first=True), nn.Linear(2, outputs)

    def forward(self, inputs):
        return self.head(self.recurrent(inputs.flatten(1).unsqueeze(-1))[0][:, -1])


class Lazy(nn.Sequential):
    def __init__(self, input_shape, outputs):
        super().__init__(nn.Flatten(), nn.LazyLinear(outputs))
