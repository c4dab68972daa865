"""Which way of computing brackets a job will probably take: enough to size its blocks. Workers choose themselves."""

from typing import assert_never

from schemas.brackets import Brackets, Path
from schemas.models import BagOfEmbeddings, ConvNet, Mlp, MxResNet, RegistryModel, Transformer
from service.planner.costs import MeasuredDevice


def likely_path(spec: Brackets, device: MeasuredDevice) -> Path:
    """The path asked for, or else the fastest that knows models of this kind on the device."""
    if spec.path != "auto":
        return spec.path
    match spec.training.model:
        case Mlp():
            return "structured" if device == "cpu" else "tap"
        case ConvNet() | MxResNet() | Transformer() | BagOfEmbeddings():
            return "tap"
        case RegistryModel():
            return "generic"
        case other:
            assert_never(other)
