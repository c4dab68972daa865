"""What the tap path does not take, with the reasons it gives."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.support.modules import Made, Residual, with_statistics
from workers.brackets.functional import Functional
from workers.brackets.paths.tap import Tap, unsupported
from workers.brackets.paths.tap.layer import Untappable
from workers.losses.functions import cross_entropy


def linear(rows: int = 4, columns: int = 4) -> nn.Linear:
    return nn.Linear(rows, columns)


def stopped(values: Tensor) -> Tensor:
    with torch.no_grad():
        return 2 * values


def aliased(module: nn.Module, inputs: Tensor) -> Tensor:
    values = module.a(inputs)
    view = values.view(-1)
    view *= 2
    return module.b(values)


def assigned(module: nn.Module, inputs: Tensor) -> Tensor:
    values = module.a(inputs)
    values[:, 0] = inputs[:, 0]
    return module.b(values)


def pair(forward: Callable[[nn.Module, Tensor], Tensor], **members: nn.Module | nn.Parameter) -> nn.Module:
    return Made(forward, **{"a": linear(), "b": linear(4, 3), **members})


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "reused": (lambda: pair(lambda m, x: m.b(m.a(m.a(x)))), "'a.weight', 'a.bias' is used more than once"),
    "bare": (lambda: pair(lambda m, x: m.b(m.a(x) + m.p), p=nn.Parameter(torch.ones(4))), "'p' enters `add`"),
    "grouped": (
        lambda: nn.Sequential(nn.Unflatten(1, (2, 2, 1)), nn.Conv2d(2, 4, 1, groups=2), nn.Flatten(), linear(8, 3)),
        "'1.weight' belongs to a convolution in 2 groups",
    ),
    "uneven": (
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 1, 2, padding="same"), nn.Flatten(), linear(4, 3)
        ),
        "'1.weight' belongs to a convolution whose 'same' padding is uneven",
    ),
    "parametrised": (
        lambda: pair(lambda m, x: m.b(m.a(x)), a=torch.nn.utils.parametrizations.weight_norm(linear())),
        "'a.parametrizations.weight.original1', .* enters `_weight_norm`.*'a.bias' stands beside parameters",
    ),
    "never called": (lambda: pair(lambda m, x: m.b(x)), "nothing in the forward pass uses 'a.weight', 'a.bias'"),
    "without effect": (lambda: pair(lambda m, x: (m.a(x), m.b(x))[1]), "the logits do not depend on 'a.weight'"),
    "coupled": (lambda: pair(lambda m, x: m.b(m.a(x) - x.mean(0))), "depend on the other examples of its batch"),
    "unknown": (
        lambda: pair(lambda m, x: m.b(m.g(m.a(x))), g=nn.GroupNorm(2, 4)),
        "'g.weight', 'g.bias' enters `group_norm`",
    ),
    "recurrent": (
        lambda: pair(lambda m, x: m.b(m.a(x[:, None])[0][:, 0]), a=nn.RNN(4, 4, batch_first=True)),
        "'a.weight_ih_l0', .* enters `rnn_tanh`",
    ),
    "train mode": (
        lambda: pair(
            lambda m, x: m.b(functional.batch_norm(m.a(x), None, None, m.n.weight, m.n.bias, True)),
            n=nn.BatchNorm1d(4),
        ),
        "'n.weight' belongs to a BatchNorm in train mode",
    ),
    "norm of embeddings": (
        lambda: Made(
            lambda m, x: m.b(m.e((x > 0).long()).sum(1)),
            e=nn.Embedding(2, 4, scale_grad_by_freq=True),
            b=linear(4, 3),
        ),
        "'e.weight' belongs to an embedding with max_norm or scale_grad_by_freq",
    ),
    "stopped": (lambda: pair(lambda m, x: m.b(stopped(m.a(x)))), r"stops gradients \(around `mul`\)"),
    "read": (lambda: pair(lambda m, x: m.b(x * m.a(x).sum(1).norm().item())), r"reads values \(`item`\)"),
    "rows of positions": (
        lambda: pair(lambda m, x: m.b((m.a(x) + m.e(torch.arange(4)).sum(1)).sin()), e=nn.Embedding(4, 2)),
        "'e.weight' is given 4 rows for 2 examples",
    ),
    "axis of examples lost": (
        lambda: pair(lambda m, x: m.b(m.a(x).sin().squeeze())),
        "'b.weight', 'b.bias' is given 4 rows",
    ),
    "failing": (lambda: pair(lambda m, x: m.b(m.a(x).reshape(1, 4))), "an operation .* fails here: shape"),
    "assigned": (lambda: pair(assigned), r"writes into a value that depends on parameters \(`__setitem__`\)"),
    "aliased": (lambda: pair(aliased), "its derivatives do not follow from what PyTorch shows"),
}


def test_running_out_of_memory_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Tap, "pairs", exhausted)
    with pytest.raises(torch.OutOfMemoryError):
        unsupported(functional_of(linear(4, 3)), torch.randn(2, 4).double(), torch.eye(3)[:2].double())


def functional_of(model: nn.Module, dtype: torch.dtype = torch.float64) -> Functional:
    return Functional.of(model.to(dtype), cross_entropy)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", REFUSED)
def test_reasons_name_what_stands_in_the_way(name: str) -> None:
    made, reason = REFUSED[name]
    torch.manual_seed(0)
    reasons = unsupported(functional_of(made()), torch.randn(3, 4).double(), torch.eye(3).double())
    assert re.search(reason, "; ".join(reasons))


def test_every_obstacle_is_listed() -> None:
    model = pair(lambda m, x: m.b(m.g(m.a(x)) * m.p), g=nn.GroupNorm(2, 4), p=nn.Parameter(torch.ones(4)))
    reasons = unsupported(functional_of(model), torch.randn(2, 4).double(), torch.eye(3)[:2].double())
    assert len(reasons) == 2


def test_many_names_are_cut_short() -> None:
    members = {f"l{place}": linear() for place in range(5)}
    model = Made(lambda m, x: m.b(x), b=linear(4, 3), **members)
    (reason,) = unsupported(functional_of(model), torch.randn(2, 4).double(), torch.eye(3)[:2].double())
    assert reason.endswith("and 6 more")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_stands_in_the_way_of_a_residual_network(dtype: torch.dtype) -> None:
    inputs, targets = torch.randn(2, 2, 6, 6, dtype=dtype), torch.eye(3, dtype=dtype)[:2]
    assert unsupported(functional_of(with_statistics(Residual()), dtype), inputs, targets) == []


def test_logits_that_leave_pytorch() -> None:
    model = Made(lambda m, x: torch.from_numpy(m.a(x).detach().numpy().copy()), a=linear(4, 3))
    reasons = unsupported(functional_of(model), torch.randn(2, 4).double(), torch.eye(3)[:2].double())
    assert reasons == ["the forward pass reads values (`numpy`)"]


def test_states_are_refused_with_the_reasons() -> None:
    path = Tap(functional_of(pair(lambda m, x: m.b(m.a(m.a(x))))))
    with pytest.raises(Untappable, match="used more than once"):
        path.first_order(torch.randn(2, 4).double(), torch.eye(3)[:2].double())


def test_examples_that_give_nan_do_not_hide_a_path() -> None:
    inputs = torch.randn(2, 4).double()
    inputs[0, 0] = torch.nan
    assert (
        unsupported(
            functional_of(nn.Sequential(linear(), nn.Tanh(), linear(4, 3))), inputs, torch.eye(3)[:2].double()
        )
        == []
    )
