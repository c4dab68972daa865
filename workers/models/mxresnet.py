"""MXResNet: the residual network of the reference experiment, without attention.

Axes: N examples, c channels, h × w pixels.

Stem of three 3×3 convolutions (strides 2, 1, 1) and a max-pool 3/2/1; four stages of residual blocks (strides
1, 2, 2, 2); the activation comes after the sum; global average pool; linear. Every convolution is without bias and is
followed by BatchNorm. The max-pool has derivatives almost everywhere only: where two pixels of a window tie, it has
none, and a step that changes which pixel is the largest does not follow the expansions.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from schemas.models import Activation, MxResNet
from schemas.residual import LAYOUTS, Layout
from workers.models.activations import activation
from workers.models.pools import GlobalAveragePool


class Residual(nn.Module):
    """φ(branch(x) + shortcut(x)): (N, c, h, w) → (N, c', ⌈h/stride⌉, ⌈w/stride⌉).

    The shortcut averages 2×2 pixels where the branch is strided, and changes the channels by a 1×1 convolution.
    """

    def __init__(self, channels_in: int, channels: int, expansion: int, stride: int, name: Activation) -> None:
        super().__init__()
        out = channels * expansion
        if expansion == 1:
            convolutions = [_normed(channels_in, channels, 3, stride), _normed(channels, out, 3)]
        else:
            convolutions = [
                _normed(channels_in, channels, 1),
                _normed(channels, channels, 3, stride),
                _normed(channels, out, 1),
            ]
        self.branch = nn.Sequential(*_alternating(convolutions, name))
        shortcut: list[nn.Module] = []
        if stride == 2:
            # Rounding up, as the strided convolution does; at an odd edge the mean is over what is there.
            shortcut.append(nn.AvgPool2d(2, ceil_mode=True))
        if channels_in != out:
            shortcut += _normed(channels_in, out, 1)
        self.shortcut = nn.Sequential(*shortcut)
        self.activation = activation(name)

    @property
    def last_gain(self) -> nn.Parameter:
        """Weight of the last BatchNorm, by which what the branch adds is scaled: (c',)."""
        return self.branch.get_parameter(f"{len(self.branch) - 1}.weight")

    def forward(self, maps: Tensor) -> Tensor:
        """The activation of the sum."""
        summed: Tensor = self.activation(self.branch(maps) + self.shortcut(maps))
        return summed


def mxresnet(spec: MxResNet, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network of a depth: (N, *input_shape) → (N, outputs)."""
    return residual_network(LAYOUTS[spec.depth], input_shape[0], outputs, spec.activation)


def residual_network(layout: Layout, channels_in: int, outputs: int, name: Activation) -> nn.Module:
    """Stem, stages and head of a layout: (N, channels_in, h, w) → (N, outputs)."""
    widths = (channels_in, *layout.stem)
    stem = [_normed(widths[i], widths[i + 1], 3, stride=2 if i == 0 else 1) for i in range(3)]
    layers: list[nn.Module] = [*_alternating(stem, name), activation(name), nn.MaxPool2d(3, stride=2, padding=1)]
    incoming = layout.stem[-1]
    for stage, (channels, count) in enumerate(zip(layout.stages, layout.blocks, strict=True)):
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Residual(incoming, channels, layout.expansion, stride, name))
            incoming = channels * layout.expansion
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(incoming, outputs))


def _normed(channels_in: int, channels: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(channels)]


def _alternating(layers: Sequence[list[nn.Module]], name: Activation) -> list[nn.Module]:
    """The layers one after the other, with the activation between them."""
    between: list[nn.Module] = [*layers[0]]
    for layer in layers[1:]:
        between += [activation(name), *layer]
    return between
