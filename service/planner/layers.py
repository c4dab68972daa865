"""What each kind of layer adds to the size of a model, from its widths alone.

Axes: positions are the places at which a layer is applied to one example (pixels, tokens; 1 for a plain vector).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSize:
    """A model's size; sizes of parts add up.

    Attributes:
        parameters: P.
        tensors: n, the number of parameter tensors.
        forward_flops: Floating-point operations of one example's forward pass: two for each multiply-add of the
            matrix products and convolutions; what is elementwise is not counted.
        activations: Numbers in the inputs and outputs of all layers with parameters, for one example.
    """

    parameters: int
    tensors: int
    forward_flops: int
    activations: int

    def __add__(self, other: "ModelSize") -> "ModelSize":
        return ModelSize(
            self.parameters + other.parameters,
            self.tensors + other.tensors,
            self.forward_flops + other.forward_flops,
            self.activations + other.activations,
        )


NOTHING = ModelSize(0, 0, 0, 0)


def linear(width_in: int, width: int, positions: int = 1, bias: bool = True) -> ModelSize:
    """A linear layer."""
    return ModelSize(
        parameters=width * (width_in + bias),
        tensors=1 + bias,
        forward_flops=2 * width * width_in * positions,
        activations=(width_in + width) * positions,
    )


def convolution(
    channels_in: int, channels: int, kernel: int, pixels_in: int, pixels: int, bias: bool = False
) -> ModelSize:
    """A square convolution from `pixels_in` to `pixels`; positions on padding count as products, as they are done."""
    taps = channels_in * kernel**2
    return ModelSize(
        parameters=channels * (taps + bias),
        tensors=1 + bias,
        forward_flops=2 * channels * taps * pixels,
        activations=channels_in * pixels_in + channels * pixels,
    )


def norm(width: int, positions: int) -> ModelSize:
    """A BatchNorm or LayerNorm with weight and bias."""
    return ModelSize(parameters=2 * width, tensors=2, forward_flops=0, activations=2 * width * positions)


def embedding(rows: int, width: int, positions: int) -> ModelSize:
    """A table of which one row is looked up at each position."""
    return ModelSize(parameters=rows * width, tensors=1, forward_flops=0, activations=(1 + width) * positions)


def product(rows: int, inner: int, columns: int) -> ModelSize:
    """A matrix product without parameters."""
    return ModelSize(parameters=0, tensors=0, forward_flops=2 * rows * inner * columns, activations=0)
