"""Nothing about a tile mixes devices: shown without a GPU, on tensors that have a device but no values."""

from typing import Any, ClassVar

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from schemas.models import ConvNet, Mlp
from tests.support.tiles import tile_of
from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.tiles.geometry import TileShape
from workers.losses import binary_cross_entropy_mean
from workers.models import build


class NoMixing(TorchDispatchMode):
    """Refuses operations on tensors of two devices; a copy to the CPU gives values that mean nothing."""

    CROSSING: ClassVar[set[str]] = {"aten::copy_", "aten::_to_copy"}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if function.name() not in self.CROSSING:
            devices = {tensor.device.type for tensor in tensors if tensor.dim() > 0}
            assert len(devices) < 2, f"{function.name()} on {devices}"
        elif kwargs.get("device") == torch.device("cpu"):
            return torch.empty(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        return function(*args, **kwargs)


def test_mixing_is_noticed() -> None:
    with pytest.raises(AssertionError, match="aten::add"), NoMixing():
        torch.ones(2, device="meta") + torch.ones(2)


@pytest.mark.parametrize("spec", [ConvNet(channels=(3, 4)), Mlp(hidden=(5,))], ids=["convnet", "mlp"])
@pytest.mark.parametrize("shape", [TileShape(range(5), range(5)), TileShape(range(2), range(2, 5))])
def test_a_tile_stays_on_its_device(spec: ConvNet | Mlp, shape: TileShape) -> None:
    functional = Functional.of(build(spec, (1, 8, 8), 3).to("meta"), binary_cross_entropy_mean)
    inputs, targets = torch.randn(5, 1, 8, 8, device="meta"), torch.rand(5, 3, device="meta")
    with NoMixing():
        found = tile_of(Generic(functional), inputs, targets, shape, 2, tests=inputs[:2], kept=[(1, 4)])
    tile = found.tile
    assert tile.sums.squares.device.type == "meta"
    assert tile.logits is not None
    assert tile.logits.device.type == "cpu"
    assert {part.device.type for kept in tile.kept.values() for part in kept.values()} <= {"cpu"}
