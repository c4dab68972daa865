"""Which layers are factored, and that dot products are those of whole gradients and products either way."""

import pytest
import torch
from torch import Tensor, nn

from tests.support.dense import dense
from workers.brackets.functional import Functional
from workers.brackets.targets.factors import Factors
from workers.brackets.vectors import flat, shaped
from workers.losses.functions import squared_error_sum

DRAW = torch.Generator().manual_seed(0)
INPUTS = torch.randn(4, 3, 5, generator=DRAW, dtype=torch.float64)
TARGETS = torch.randn(4, 2, generator=DRAW, dtype=torch.float64)


class Plain(nn.Module):
    """A layer on positions, one on vectors, one without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Linear(5, 4)
        self.hidden = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.hidden(torch.tanh(self.positions(x)).mean(1))))


class Twice(Plain):
    """A layer that is used twice."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.positions(x)).mean(1)
        return self.head(torch.tanh(self.hidden(torch.tanh(self.hidden(h)))))


class Tied(Plain):
    """A layer whose weight is another's."""

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(4, 4)
        self.other.weight = self.hidden.weight

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.positions(x)).mean(1)
        return self.head(torch.tanh(self.other(torch.tanh(self.hidden(h)))))


class Read(Plain):
    """A weight that is used without its layer, too."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.positions(x)).mean(1) @ self.hidden.weight
        return self.head(torch.tanh(self.hidden(h)))


class Shifted(Plain):
    """A bias that is used without its layer, too."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.positions(x)).mean(1) * self.hidden.bias
        return self.head(torch.tanh(self.hidden(h)))


class Partly(Plain):
    """A bias that is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden.bias.requires_grad_(False)


CASES = {
    Plain: ["hidden", "head"],
    Twice: ["head"],
    Tied: ["head"],
    Read: ["head"],
    Shifted: ["head"],
    Partly: ["head"],
}


def made(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(1)
    return kind().double()


@pytest.mark.parametrize("kind", CASES)
def test_layers_whose_gradient_is_an_outer_product_are_factored(kind: type[nn.Module]) -> None:
    functional = Functional.of(made(kind), squared_error_sum)
    found = Factors.of(functional, INPUTS[:1], TARGETS[:1])
    assert list(found.layers) == CASES[kind]
    own = [name for name in functional.parameters if name.rpartition(".")[0] not in CASES[kind]]
    assert list(found.rest) == own
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in functional.model.modules())


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind is not Partly])
def test_dot_products_are_those_of_whole_hessians(kind: type[nn.Module]) -> None:
    model = made(kind)
    functional = Functional.of(model, squared_error_sum)
    reference = dense(model, squared_error_sum, INPUTS, TARGETS)
    q = torch.randn(2, reference.gradients.shape[1], generator=DRAW, dtype=torch.float64)
    stacked = [shaped(vector, functional.parameters) for vector in q]
    directions = {name: torch.stack([one[name] for one in stacked]) for name in functional.parameters}
    factors = Factors.of(functional, INPUTS[:1], TARGETS[:1])
    left = factors.spread(INPUTS[:1], TARGETS[:1], directions)
    right = factors.spread(INPUTS[1:], TARGETS[1:], directions)
    expected = torch.einsum("lp,rpv,qv->lrq", reference.gradients[:1], reference.hessians[1:], q)
    torch.testing.assert_close(factors.products(left, right), expected, rtol=1e-10, atol=1e-13)


def test_a_model_of_such_layers_alone_forms_no_weight_gradients() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(15, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    functional = Functional.of(model, squared_error_sum)
    factors = Factors.of(functional, INPUTS[:1], TARGETS[:1])
    directions = {name: tensor.unsqueeze(0) for name, tensor in functional.parameters.items()}
    spread = factors.spread(INPUTS, TARGETS, directions)
    assert factors.rest == ()
    assert (spread.gradients, spread.products) == ({}, {})
    assert flat(spread.deltas).numel() == 4 * (4 + 2)


def test_nothing_is_left_to_factor() -> None:
    functional = Functional.of(nn.Sequential(nn.Conv1d(3, 2, 5), nn.Flatten()).double(), squared_error_sum)
    factors = Factors.of(functional, INPUTS[:1], TARGETS[:1])
    assert factors.layers == {}
    assert factors.rest == ("0.weight", "0.bias")
