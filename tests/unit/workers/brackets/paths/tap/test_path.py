"""The tap path against the generic one, layer by layer and together."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from tests.support.modules import Attention, Made, Residual, with_statistics
from tests.support.tiles import whole
from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.reductions import PairSums
from workers.brackets.paths.tap import Tap
from workers.brackets.paths.tap.layer import Columns
from workers.brackets.tiles.geometry import TileShape
from workers.losses.functions import cross_entropy

N, K = 5, 3
MAPS, ROWS, SEQUENCE = (2, 6, 6), (4,), (3, 4)


def convolution(*args: int, head: int, **options: object) -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, *args, **options), nn.Mish(), nn.Flatten(), nn.Linear(head, K))


def stopped(values: Tensor) -> Tensor:
    return values * values.sin().detach()


def chosen(module: nn.Module, inputs: Tensor) -> Tensor:
    a, b = module.a(inputs), module.b(inputs)
    a += b.sin().gather(1, inputs.argsort(1))
    return module.c(torch.where(b > 0, a, a.exp()).sort(1).values * b.amax(1, keepdim=True))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...] | None]] = {
    "linear": (lambda: nn.Linear(4, K), ROWS),
    "linear without bias": (lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.Tanh(), nn.Linear(5, K)), ROWS),
    "linear, factored": (
        lambda: nn.Sequential(nn.Linear(4, 40), nn.GELU(), nn.Linear(40, 30), nn.Mish(), nn.Linear(30, K)),
        ROWS,
    ),
    "linear on sequences": (
        lambda: Made(lambda m, x: m.b(torch.tanh(m.a(x))).mean(1), a=nn.Linear(4, 5), b=nn.Linear(5, K)),
        SEQUENCE,
    ),
    "linear on sequences, factored": (
        lambda: Made(lambda m, x: m.b(torch.tanh(m.a(x))).mean(1), a=nn.Linear(4, 60), b=nn.Linear(60, K)),
        SEQUENCE,
    ),
    "convolution 1": (lambda: convolution(3, 1, head=108), MAPS),
    "convolution 3": (lambda: convolution(3, 3, padding=1, head=108), MAPS),
    "convolution 5": (lambda: convolution(3, 5, padding="same", bias=False, head=108), MAPS),
    "convolution, strided and dilated": (lambda: convolution(3, 3, stride=2, dilation=2, padding=2, head=27), MAPS),
    "convolution, uneven": (lambda: convolution(3, (3, 2), stride=(2, 1), padding=(1, 0), head=45), MAPS),
    "convolution, valid": (lambda: convolution(3, 3, padding="valid", head=48), MAPS),
    "convolutions, factored": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 16, 3, 2, 1),
            nn.Tanh(),
            nn.Conv2d(16, 40, 3, 2, 1),
            nn.Mish(),
            nn.Conv2d(40, 30, 3, 1, 1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(120, K),
        ),
        MAPS,
    ),
    "convolution with reflected padding": (
        lambda: convolution(3, 3, padding=1, padding_mode="reflect", head=108),
        MAPS,
    ),
    "batch norm of rows": (
        lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, K)),
        ROWS,
    ),
    "batch norm of sequences": (
        lambda: Made(
            lambda m, x: m.b(m.n(m.a(x)).tanh().sum(1)), a=nn.Linear(4, 4), n=nn.BatchNorm1d(3), b=nn.Linear(4, K)
        ),
        SEQUENCE,
    ),
    "batch norm first": (lambda: nn.Sequential(nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, K)), MAPS),
    "batch norm without gains": (
        lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False), nn.Tanh(), nn.Linear(6, K)),
        ROWS,
    ),
    "layer norm": (lambda: nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, K)), ROWS),
    "layer norm without bias": (lambda: nn.Sequential(nn.LayerNorm(4, bias=False), nn.Tanh(), nn.Linear(4, K)), ROWS),
    "layer norm of two axes": (
        lambda: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm((3, 4)), nn.Tanh(), nn.Flatten(), nn.Linear(12, K)),
        SEQUENCE,
    ),
    "embedding": (lambda: Made(lambda m, t: m.b(m.e(t).mean(1)), e=nn.Embedding(7, 4), b=nn.Linear(4, K)), None),
    "embedding with padding": (
        lambda: Made(lambda m, t: m.b(m.e(t).tanh().sum(1)), e=nn.Embedding(7, 4, padding_idx=0), b=nn.Linear(4, K)),
        None,
    ),
    "attention": (
        lambda: Made(lambda m, t: m.b(m.a(m.e(t)).mean(1)), e=nn.Embedding(7, 4), a=Attention(4), b=nn.Linear(4, K)),
        None,
    ),
    "fused attention": (
        lambda: Made(
            lambda m, x: m.b(functional.scaled_dot_product_attention(*(m.a(x),) * 3).mean(1)),
            a=nn.Linear(4, 4),
            b=nn.Linear(4, K),
        ),
        SEQUENCE,
    ),
    "residual": (Residual, MAPS),
    "views, chunks and what is not used": (
        lambda: Made(
            lambda m, x: m.b(torch.cat([x.new_ones(len(x), 1), m.a(x).chunk(3, 1)[1] ** 2], 1).view(-1, 3)),
            a=nn.Linear(4, 6),
            b=nn.Linear(3, K),
        ),
        ROWS,
    ),
    "differences, scales and constants": (
        lambda: Made(
            lambda m, x: m.c(2 * m.a(x) - m.b(x) / 3 + x.sum(1, keepdim=True) * m.a2(x).exp()),
            a=nn.Linear(4, 5),
            b=nn.Linear(4, 5),
            a2=nn.Linear(4, 5),
            c=nn.Linear(5, K),
        ),
        ROWS,
    ),
    "what gradients stop at": (
        lambda: Made(lambda m, x: m.b(stopped(m.a(x))), a=nn.Linear(4, 4), b=nn.Linear(4, K)),
        ROWS,
    ),
    "products of expanded values, summed": (
        lambda: Made(
            lambda m, x: m.c(torch.einsum("nij,ni->nij", m.a(x)[:, None].expand(-1, 4, -1), m.b(x)).cumsum(1).sum(2)),
            a=nn.Linear(4, 4),
            b=nn.Linear(4, 4),
            c=nn.Linear(4, K),
        ),
        ROWS,
    ),
    "choices among values": (lambda: Made(chosen, a=nn.Linear(4, 4), b=nn.Linear(4, 4), c=nn.Linear(4, K)), ROWS),
    "after a convolution, a view": (
        lambda: Made(lambda m, x: m.b(m.a(x).tanh().view(x.shape[0], -1)), a=nn.Conv2d(2, 2, 1), b=nn.Linear(72, K)),
        MAPS,
    ),
}


def drawn(shape: tuple[int, ...] | None, seed: int = 1) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    inputs = (
        torch.randint(0, 7, (N, 6), generator=draw)
        if shape is None
        else torch.randn(N, *shape, generator=draw).double()
    )
    return inputs, torch.eye(K, dtype=torch.float64)[torch.randint(0, K, (N,), generator=draw)]


def compared(model: nn.Module, inputs: Tensor, targets: Tensor, shape: TileShape) -> tuple[PairBlock, PairBlock]:
    """A block by the tap path and by the generic one, with everything wanted."""
    blocks = []
    for path in (Tap(functional_of(model)), Generic(functional_of(model))):
        left = path.first_order(
            inputs[shape.rows.start : shape.rows.stop], targets[shape.rows.start : shape.rows.stop]
        )
        right = None
        if not shape.diagonal:
            columns = slice(shape.columns.start, shape.columns.stop)
            right = path.first_order(inputs[columns], targets[columns])
        some = range(0, shape.pairs, 2)
        wanted = Wanted(True, path.tests(inputs[:2]), list(some), list(some))
        blocks.append(path.pairs(left, right, wanted))
    return blocks[0], blocks[1]


def functional_of(model: nn.Module) -> Functional:
    return Functional.of(model, cross_entropy)


def assert_alike(found: PairBlock, expected: PairBlock) -> None:
    """Norms relative to the products whose difference a bracket is; whole brackets likewise."""
    scale = expected.sums.square_xy.sqrt() + expected.sums.square_yx.sqrt()
    for name in PairSums.__dataclass_fields__:
        mine, other = getattr(found.sums, name), getattr(expected.sums, name)
        if name in ("squares", "square_xy", "square_yx"):
            mine, other = mine.sqrt(), other.sqrt()
        within = 1e-10 * scale.reshape(-1, *[1] * (other.dim() - 1)).clamp(min=1e-3)
        assert ((mine - other).abs() <= within).all(), name
    assert found.gauss_newton is not None
    assert expected.gauss_newton is not None
    torch.testing.assert_close(found.gauss_newton.squares, expected.gauss_newton.squares, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(found.gauss_newton.dot, expected.gauss_newton.dot, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(found.logits, expected.logits, rtol=1e-9, atol=1e-12)
    for mine, other in zip(found.brackets, expected.brackets, strict=True):
        assert list(mine) == list(other)
        for name in mine:
            torch.testing.assert_close(mine[name], other[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [whole(4), TileShape(range(2), range(2, 5))], ids=["diagonal", "rectangle"])
@pytest.mark.parametrize("name", MODELS)
def test_every_layer_agrees_with_the_generic_path(name: str, shape: TileShape) -> None:
    made, extent = MODELS[name]
    torch.manual_seed(3)
    found, expected = compared(with_statistics(made()), *drawn(extent), shape)
    assert_alike(found, expected)


def test_both_forms_of_weights_are_among_them() -> None:
    torch.manual_seed(3)
    forms = set()
    for made, extent in MODELS.values():
        taps = Tap(functional_of(with_statistics(made()))).first_order(*drawn(extent))
        forms |= {(type(layer).__name__, layer.factored is not None) for layer in taps.tape.layers}
        assert taps.nbytes > 0
    assert {(kind, form) for kind in ("LinearLayer", "Convolution") for form in (True, False)} <= forms


def test_parameters_held_fixed_are_no_part_of_brackets() -> None:
    model = with_statistics(Residual())
    for name in ("second.weight", "norms.0.weight", "third.bias"):
        model.get_parameter(name).requires_grad_(False)
    assert_alike(*compared(model, *drawn(MAPS), whole(4)))


activations = st.sampled_from([nn.Tanh, nn.Mish, nn.GELU, nn.Softplus, nn.Sigmoid])


@st.composite
def stacks(draw: st.DrawFn) -> nn.Module:
    """Convolutions of any kind, with or without norm and shortcut, then a linear head."""
    layers: list[nn.Module] = []
    channels = 2
    for _ in range(draw(st.integers(1, 3))):
        out, kernel, stride = draw(st.integers(1, 12)), draw(st.sampled_from([1, 3])), draw(st.sampled_from([1, 2]))
        layers.append(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=draw(st.booleans())))
        if draw(st.booleans()):
            layers.append(nn.BatchNorm2d(out))
        layers.append(draw(activations)())
        if draw(st.booleans()):
            layers.append(Made(lambda m, x: x + m.a(x).tanh(), a=nn.Conv2d(out, out, 3, padding=1)))
        channels = out
    return nn.Sequential(*layers, Made(lambda m, x: m.a(x.mean((2, 3))), a=nn.Linear(channels, K)))


@settings(max_examples=12, derandomize=True)
@given(stacks(), st.integers(0, 100))
def test_random_networks_agree_with_the_generic_path(model: nn.Module, seed: int) -> None:
    assert_alike(*compared(with_statistics(model, seed), *drawn(MAPS, seed), TileShape(range(2), range(2, 4))))


def test_float32_agrees_to_its_rounding_and_repeats_bitwise() -> None:
    torch.manual_seed(3)
    model = with_statistics(Residual())
    inputs, targets = drawn(MAPS)
    exact = compared(model, inputs, targets, whole(4))[1].sums
    model.float()
    path = Tap(functional_of(model))
    taps = path.first_order(inputs.float(), targets.float())
    first, second = (path.pairs(taps, None, Wanted()).sums for _ in range(2))
    assert torch.equal(first.squares, second.squares)
    assert taps.losses.dtype == torch.float32
    among_four = [0, 1, 2, 4, 5, 7]
    found = first.squares[among_four].sum(1).sqrt()
    torch.testing.assert_close(found, exact.squares.sum(1).sqrt(), rtol=1e-4, atol=0)


def test_the_model_is_left_as_it_was() -> None:
    model = with_statistics(Residual())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    compared(model, *drawn(MAPS), whole(3))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_factored_layers_hold_nothing_of_the_size_of_their_weights() -> None:
    model = nn.Sequential(nn.Linear(100, 500), nn.Tanh(), nn.Linear(500, K)).double()
    taps = Tap(functional_of(model)).first_order(torch.randn(2, 100).double(), torch.eye(K).double()[:2])
    first = taps.tape.layers[0]
    assert isinstance(first, Columns)
    assert first.factored == "0.weight"
    assert taps.nbytes < 2 * 8 * 50_000 / 5


def test_curvature_of_a_certain_softmax_keeps_its_digits_in_float32() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, K)).double()
    with torch.no_grad():
        model[2].bias += torch.tensor([14.0, 0.0, 0.0])  # S is p(1 − p), and 1 − p has but one digit in float32
    inputs, targets = drawn(ROWS)
    taps = Tap(functional_of(model)).first_order(inputs, targets)
    tangents = torch.randn(N, 2, K, generator=torch.Generator().manual_seed(0)).double()
    expected = taps.curved(tangents)
    single = replace(taps, tape=replace(taps.tape, logits=taps.tape.logits.float()), targets=targets.float())
    torch.testing.assert_close(single.curved(tangents.float()).double(), expected, rtol=2e-5, atol=0)
