"""Size of a model on its data, from the spec alone: enough to size blocks before anything has been measured."""

from dataclasses import dataclass
from itertools import pairwise

from schemas.data import DIGITS_LABELS, DIGITS_TEST, DIGITS_TRAIN, Digits, Idx, RegistryData
from schemas.datasets import DatasetManifest
from schemas.models import ConvNet, Mlp
from schemas.training import Training

# A model from a registry cannot be looked into here; it is taken for a middling convolutional network.
UNKNOWN_PARAMETERS = 1_000_000
UNKNOWN_FLOPS = 50_000_000


@dataclass(frozen=True)
class DataSize:
    """What the planner knows of a dataset; None where only a worker could say."""

    train: int | None
    test: int | None
    labels: int | None
    shape: tuple[int, int] | None


def data_size(data: Digits | Idx | RegistryData, manifest: DatasetManifest | None) -> DataSize:
    """Sizes of a dataset; `manifest` is that of an imported one."""
    match data:
        case Digits():
            return DataSize(DIGITS_TRAIN, DIGITS_TEST, DIGITS_LABELS, (8, 8))
        case Idx() if manifest is not None:
            return DataSize(manifest.count("train"), manifest.count("test"), len(manifest.labels), manifest.shape)
        case _:
            return DataSize(None, None, None, None)


@dataclass(frozen=True)
class ModelSize:
    """P parameters, and floating-point operations of one example's forward pass."""

    parameters: int
    forward_flops: int


def model_size(training: Training, data: DataSize) -> ModelSize:
    """Parameters and forward cost of the model, from its widths; a stated guess for registry models."""
    labels = data.labels or DIGITS_LABELS
    height, width = data.shape or (32, 32)
    match training.model:
        case Mlp() as mlp:
            widths = (height * width, *mlp.hidden, mlp.outputs or labels)
            weights = sum(a * b for a, b in pairwise(widths))
            return ModelSize(weights + (sum(widths[1:]) if mlp.bias else 0), 2 * weights)
        case ConvNet() as net:
            return _convnet_size(net, height, width, net.outputs or labels)
        case _:
            return ModelSize(UNKNOWN_PARAMETERS, UNKNOWN_FLOPS)


def _convnet_size(net: ConvNet, height: int, width: int, outputs: int) -> ModelSize:
    parameters = flops = 0
    # Images that can be imported are grey; a registry dataset with three channels costs little more.
    incoming = 1
    for layer, channels in enumerate(net.channels):
        if layer:
            height, width = (height + 1) // 2, (width + 1) // 2
        parameters += 9 * incoming * channels + (2 * channels if net.norm == "batch" else channels)
        flops += 2 * 9 * incoming * channels * height * width
        incoming = channels
    return ModelSize(parameters + incoming * outputs + outputs, flops + 2 * incoming * outputs)
