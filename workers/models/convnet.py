"""Small convolutional networks."""

from torch import Tensor, nn

from schemas.models import ConvNet
from workers.errors import UserFault
from workers.models.activations import activation


class GlobalAveragePool(nn.Module):
    """(N, channels, height, width) → (N, channels). A plain mean: adaptive pooling is not deterministic on CUDA."""

    def forward(self, maps: Tensor) -> Tensor:
        """The mean over height and width."""
        return maps.mean((-2, -1))


def convnet(spec: ConvNet, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """3×3 convolutions, the first with stride 1 and the others with stride 2, then global average pool and linear.

    Each convolution is followed by BatchNorm (and then has no bias) if asked for, and by the activation.

    Raises:
        UserFault: the inputs are not images.
    """
    if len(input_shape) != 3:
        raise UserFault(
            f"a convnet needs inputs of shape (channels, height, width), the data has {input_shape}: "
            "use an mlp or data of images"
        )
    layers: list[nn.Module] = []
    channels_in = input_shape[0]
    for position, channels in enumerate(spec.channels):
        normed = spec.norm == "batch"
        layers.append(
            nn.Conv2d(channels_in, channels, 3, stride=1 if position == 0 else 2, padding=1, bias=not normed)
        )
        if normed:
            layers.append(nn.BatchNorm2d(channels))
        layers.append(activation(spec.activation))
        channels_in = channels
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(channels_in, outputs))
