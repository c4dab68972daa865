import pytest
import torch
from torch import nn

from tests.support.modules import Made
from workers.brackets.functional import Functional
from workers.brackets.paths.choose import choose
from workers.errors import UserFault
from workers.losses.functions import cross_entropy

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
INPUTS, TARGETS = torch.randn(2, 4, generator=torch.Generator().manual_seed(0)), torch.eye(3)[:2]


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.Tanh(), nn.Linear(5, 3))


def biased() -> nn.Module:
    return Made(lambda m, x: m.a(x) + m.p, a=nn.Linear(4, 3), p=nn.Parameter(torch.ones(3)))


def deep() -> nn.Module:
    return nn.Sequential(*(nn.LayerNorm(4) for _ in range(5)), nn.Linear(4, 3))


@pytest.mark.parametrize(("made", "device", "name", "passed"), [
    (perceptron, CPU, "structured", []),
    (perceptron, CUDA, "tap", []),
    (normed, CPU, "tap", ["structured"]),
    (biased, CPU, "generic", ["structured", "tap"]),
    (biased, CUDA, "generic", ["tap", "structured"]),
])  # fmt: skip
def test_auto_takes_the_fastest_path_that_knows_the_model(made, device, name: str, passed: list[str]) -> None:
    chosen = choose(Functional.of(made(), cross_entropy), INPUTS, TARGETS, "auto", device)
    assert chosen.path.name == name
    assert list(chosen.reasons) == passed
    assert all(chosen.reasons.values())


@pytest.mark.parametrize("name", ["generic", "tap", "structured"])
def test_a_path_that_is_asked_for_is_taken(name) -> None:
    chosen = choose(Functional.of(perceptron(), cross_entropy), INPUTS, TARGETS, name, CPU)
    assert (chosen.path.name, chosen.reasons) == (name, {})


@pytest.mark.parametrize(("made", "name", "reason"), [
    (normed, "structured", "the path 'structured' does not know this model .*: leave `path` at 'auto'"),
    (biased, "tap", r"the path 'tap' does not know this model \('p' enters `add`"),
    (deep, "structured", r"\(0: LayerNorm [^;]*; 1: LayerNorm [^;]*; 2: [^;]*; and 2 more modules\): leave"),
])  # fmt: skip
def test_a_path_that_does_not_know_the_model_is_refused(made, name, reason: str) -> None:
    with pytest.raises(UserFault, match=reason):
        choose(Functional.of(made(), cross_entropy), INPUTS, TARGETS, name, CPU)
