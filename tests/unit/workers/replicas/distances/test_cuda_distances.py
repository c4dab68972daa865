"""Distances on a GPU are those of the CPU, and exactly 0 where members are equal."""

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.losses import CrossEntropy
from workers.data import Dataset, Split
from workers.determinism import deterministic
from workers.replicas.distances import Meaning
from workers.replicas.distances.cka import Representation
from workers.replicas.distances.outputs import OutputDistances, answers_and_distances
from workers.replicas.distances.parameters import parameter_distances

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
R, n, K = 5, 300, 10


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """(R, *shape): members 0 and 1 are equal."""
    tensor = torch.randn(R, *shape, generator=torch.Generator().manual_seed(seed))
    tensor[1] = tensor[0]
    return tensor


def numbers(device: str) -> dict[str, np.ndarray]:
    """What is found of members, (R,) each."""
    labels = (torch.arange(n) % K).to(device)
    split = Split(torch.zeros(n, 1, device=device), labels)
    meaning = Meaning.of(CrossEntropy(), Dataset(split, split, tuple("abcdefghij"), "none"))
    z, features = drawn(n, K, seed=1).to(device), drawn(n, 20, seed=2).to(device)
    answered, outputs = answers_and_distances(meaning, lambda inputs: z[:, : len(inputs)], split)
    parameters = parameter_distances({"w": drawn(100, 200).to(device), "b": drawn(7).to(device)})
    first, *others = map(Representation.of, features)
    return {
        "distance": parameters.distance,
        "largest": parameters.largest.max(1),
        "cosine": parameters.cosine,
        "loss": answered.loss,
        "accuracy": answered.accuracy,
        "cka": np.array([1, *(first.cka(other) for other in others)]),
        **{name: getattr(outputs, name) for name in OutputDistances.__dataclass_fields__},
    }


def test_both_devices_agree() -> None:
    with deterministic():
        found, again, expected = (numbers(device) for device in ("cuda", "cuda", "cpu"))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], again[name])
        np.testing.assert_allclose(found[name], values, rtol=1e-10, atol=1e-12)
    assert found["distance"][1] == found["logit_sup"][1] == found["kl"][1] == found["root_js"][1] == 0
    assert found["cosine"][1] == found["counterfactual_accuracy"][1] == 1
