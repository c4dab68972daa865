"""A replica starts from the same point on a GPU as on the CPU, to the bit."""

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.perturbations import Gaussian, GradientMove, Move, Reinitialise, Sphere
from workers.replicas.perturbations import moved

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def tensors(seed: int) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {"weight": torch.randn(30, 20, generator=draw), "bias": torch.randn(30, generator=draw)}


@pytest.mark.parametrize(
    "move",
    [
        Gaussian(epsilon=0.1, scale="global", where={"fraction": 0.5}),
        Sphere(epsilon=0.1, scale="per_tensor"),
        GradientMove(epsilon=0.1, scale="absolute"),
        Reinitialise(),
    ],
    ids=lambda move: move.kind,
)
def test_moves_have_the_same_bits(move: Move) -> None:
    def after(device: str) -> dict[str, Tensor]:
        start, slope = ({name: tensor.to(device) for name, tensor in tensors(seed).items()} for seed in (0, 1))
        return moved(start, move, np.random.default_rng(3), lambda batch: slope, 100, lambda seed: tensors(2))

    there, here = after("cuda"), after("cpu")
    assert all(there[name].device.type == "cuda" and torch.equal(there[name].cpu(), here[name]) for name in here)
