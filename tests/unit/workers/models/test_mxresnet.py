"""The residual networks: their published sizes, their maps, and a block written out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from schemas.models import MxResNet
from workers.models import build
from workers.models.mxresnet import Residual


@pytest.mark.parametrize(
    ("depth", "parameters", "tensors"), [(18, 11_243_976, 68), (34, 21_352_136, 116), (50, 23_636_936, 167)]
)
def test_sizes_with_forty_outputs(depth: int, parameters: int, tensors: int) -> None:
    with torch.device("meta"):
        model = build(MxResNet(depth=depth), (3, 64, 64), 40)
    counts = [parameter.numel() for parameter in model.parameters()]
    assert (sum(counts), len(counts)) == (parameters, tensors)


@pytest.mark.parametrize(
    ("size", "maps"),
    [
        ((64, 64), [(16, 16), (8, 8), (4, 4), (2, 2)]),
        ((37, 21), [(10, 6), (5, 3), (3, 2), (2, 1)]),
        ((8, 8), [(2, 2), (1, 1), (1, 1), (1, 1)]),
    ],
)
@pytest.mark.parametrize("depth", [18, 50])
def test_every_stage_but_the_first_halves_the_map(depth: int, size: tuple[int, int], maps: list) -> None:
    with torch.device("meta"):
        model = build(MxResNet(depth=depth), (3, *size), 7).eval()
        seen: list[tuple[int, ...]] = []
        for module in model.modules():
            if isinstance(module, Residual):
                module.register_forward_hook(lambda _, __, made: seen.append(tuple(made.shape[2:])))
        assert model(torch.zeros(2, 3, *size)).shape == (2, 7)
    assert list(dict.fromkeys(seen)) == list(dict.fromkeys(maps))


def test_the_stem_is_three_convolutions_and_a_pool() -> None:
    with torch.device("meta"):
        model = build(MxResNet(), (3, 64, 64), 7)
    kinds = [type(module).__name__ for module in model[:10]]
    assert kinds == [*["Conv2d", "BatchNorm2d", "Mish"] * 3, "MaxPool2d"]
    assert [(c.in_channels, c.out_channels, c.stride[0]) for c in (model[0], model[3], model[6])] == [
        (3, 32, 2),
        (32, 64, 1),
        (64, 64, 1),
    ]
    assert (model[9].kernel_size, model[9].stride, model[9].padding) == (3, 2, 1)


def normed(maps: torch.Tensor, conv: nn.Module, norm: nn.Module, stride: int = 1) -> torch.Tensor:
    """A convolution by unfolding, and the affine map of a BatchNorm in eval mode."""
    kernel = conv.weight.shape[-1]
    height, width = (-(-extent // stride) for extent in maps.shape[2:])
    columns = functional.unfold(maps, kernel, padding=kernel // 2, stride=stride)
    made = (conv.weight.flatten(1) @ columns).unflatten(-1, (height, width))
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return made * scale[:, None, None] + (norm.bias - norm.running_mean * scale)[:, None, None]


@pytest.mark.parametrize("expansion", [1, 4])
@pytest.mark.parametrize(("channels_in", "stride", "size"), [(6, 2, 6), (6, 2, 5), (8, 1, 5)])
def test_a_block_written_out(expansion: int, channels_in: int, stride: int, size: int) -> None:
    draw = torch.Generator().manual_seed(2)
    block = Residual(channels_in, 8 // expansion, expansion, stride, "mish").double().eval()
    for tensor in (*block.parameters(), *block.buffers()):
        if tensor.is_floating_point():
            tensor.data = 0.5 + torch.rand(tensor.shape, generator=draw, dtype=torch.float64)
    maps = torch.randn(2, channels_in, size, size, generator=draw, dtype=torch.float64)
    layers = [module for module in block.branch if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    strides = [stride, 1] if expansion == 1 else [1, stride, 1]
    branch = maps
    for place, step in enumerate(strides):
        branch = functional.mish(branch) if place else branch
        branch = normed(branch, layers[2 * place], layers[2 * place + 1], step)
    shortcut = maps
    if stride == 2:
        rows = [
            [maps[..., i : i + 2, j : j + 2].mean((-2, -1)) for j in range(0, size, 2)] for i in range(0, size, 2)
        ]
        shortcut = torch.stack([torch.stack(row, -1) for row in rows], -2)
    if channels_in != 8:
        shortcut = normed(shortcut, block.shortcut[-2], block.shortcut[-1])
    torch.testing.assert_close(block(maps), functional.mish(branch + shortcut), rtol=1e-12, atol=1e-12)
