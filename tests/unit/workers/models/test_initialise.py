"""Named initialisations: their spread, their spheres, what they leave alone."""

from math import sqrt

import pytest
import torch
from torch import nn

from schemas.models import BagOfEmbeddings, ConvNet, Initialisation, Mlp, Model, MxResNet, Transformer
from workers.models import build, initialised
from workers.models.initialise import initialise
from workers.models.mxresnet import Residual

IMAGE = (3, 16, 16)
RULES: tuple[Initialisation, ...] = ("kaiming_normal", "kaiming_sphere")
CASES: list[tuple[Model, tuple[int, ...], int | None]] = [
    (Mlp(hidden=(300, 200)), IMAGE, None),
    (ConvNet(channels=(16, 32), norm="none"), IMAGE, None),
    (MxResNet(), IMAGE, None),
    (Transformer(width=32), IMAGE, None),
    (Transformer(width=32), (12,), 60),
    (BagOfEmbeddings(), (12,), 60),
]


def drawn(
    case: tuple[Model, tuple[int, ...], int | None],
    rule: Initialisation,
    seed: int = 3,
    dtype: torch.dtype = torch.float32,
) -> nn.Module:
    model, shape, vocabulary = case
    spec = model.model_copy(update={"initialisation": rule})
    return initialised(spec, shape, 10, seed, dtype, vocabulary)


def deviation(module: nn.Module) -> float:
    """σ of the element distribution: √(2/fan_in), or 1 for a table."""
    if isinstance(module, nn.Embedding):
        return 1.0
    kernel = module.kernel_size[0] * module.kernel_size[1] if isinstance(module, nn.Conv2d) else 1
    return sqrt(2 / (kernel * (module.in_channels if isinstance(module, nn.Conv2d) else module.in_features)))


def weighted(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].kind)
def test_kaiming_normal_has_the_spread_of_its_fan_in(case) -> None:
    elements = [(m.weight.detach() / deviation(m)).flatten() for m in weighted(drawn(case, "kaiming_normal"))]
    standard = torch.cat(elements).double()
    error = 1 / sqrt(len(standard))
    assert abs(float(standard.mean())) < 4 * error
    assert float(standard.square().mean()) == pytest.approx(1, abs=4 * sqrt(2) * error)
    assert float(standard.pow(4).mean()) == pytest.approx(3, abs=4 * sqrt(96) * error)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].kind)
def test_kaiming_sphere_has_its_radius(case) -> None:
    directions = []
    for module in weighted(drawn(case, "kaiming_sphere")):
        radius = sqrt(module.weight.numel()) * deviation(module)
        assert float(module.weight.detach().double().norm()) == pytest.approx(radius, rel=1e-6)
        directions.append((module.weight.detach() / deviation(module)).flatten())
    mean = torch.cat(directions).double().mean()
    assert abs(float(mean)) < 4 / sqrt(sum(map(len, directions)))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].kind)
def test_biases_are_zero_and_norms_the_identity(case, rule: Initialisation) -> None:
    model = drawn(case, rule)
    last = {id(module.last_gain) for module in model.modules() if isinstance(module, Residual)}
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            assert (module.weight == (0 if id(module.weight) in last else 1)).all()
        bias = getattr(module, "bias", None)
        assert bias is None or not bias.any()


@pytest.mark.parametrize("rule", ["pytorch", *RULES])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].kind)
def test_the_seed_alone_decides(case, rule: Initialisation) -> None:
    first, again, other = drawn(case, rule), drawn(case, rule), drawn(case, rule, seed=4)
    for module, same, different in zip(weighted(first), weighted(again), weighted(other), strict=True):
        assert torch.equal(module.weight, same.weight)
        assert not torch.equal(module.weight, different.weight)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].kind)
def test_both_types_start_at_the_same_point(case, rule: Initialisation) -> None:
    single, double = drawn(case, rule), drawn(case, rule, dtype=torch.float64)
    for a, b in zip(single.parameters(), double.parameters(), strict=True):
        assert b.dtype == torch.float64
        assert torch.equal(a.double(), b)


def test_pytorch_leaves_layers_as_they_were_made() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = build(ConvNet(), IMAGE, 10)
        state = torch.get_rng_state()
        torch.manual_seed(5)
        assert torch.equal(model[0].weight, nn.Conv2d(3, 8, 3, bias=False).weight)
        torch.set_rng_state(state)
        initialise(model, "pytorch")
        assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("zero", [True, False])
def test_the_last_norm_of_each_branch_may_start_at_zero(zero: bool) -> None:
    model = build(MxResNet(depth=50, zero_last_norm=zero), IMAGE, 10)
    gains = [module.last_gain for module in model.modules() if isinstance(module, Residual)]
    assert [len(gain) for gain in gains] == [256] * 3 + [512] * 4 + [1024] * 6 + [2048] * 3
    assert all((gain == (0 if zero else 1)).all() for gain in gains)
