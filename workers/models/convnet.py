"""Small convolutional networks."""

from torch import nn

from schemas.models import ConvNet
from schemas.widths import widths
from workers.models.activations import activation
from workers.models.pools import GlobalAveragePool


def convnet(spec: ConvNet, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """3×3 convolutions, the first with stride 1 and the others with stride 2, then global average pool and linear.

    Each convolution is followed by BatchNorm (and then has no bias) if asked for, and by the activation.
    """
    layers: list[nn.Module] = []
    channels_in = input_shape[0]
    for position, channels in enumerate(widths(spec, channels_in, outputs)):
        normed = spec.norm == "batch"
        layers.append(
            nn.Conv2d(channels_in, channels, 3, stride=1 if position == 0 else 2, padding=1, bias=not normed)
        )
        if normed:
            layers.append(nn.BatchNorm2d(channels))
        layers.append(activation(spec.activation))
        channels_in = channels
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(channels_in, outputs))
