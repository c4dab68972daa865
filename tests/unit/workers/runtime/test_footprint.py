from dataclasses import dataclass

import numpy as np
import pytest
import torch

from workers.runtime.footprint import footprint


@dataclass
class Held:
    tensor: torch.Tensor
    name: str
    others: tuple[dict[str, torch.Tensor], ...]


class SaysSo:
    nbytes = 7


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.zeros(3, dtype=torch.float64), 24),
        (np.zeros(5), 40),
        (torch.nn.BatchNorm1d(2), 2 * 4 * 4 + 8),
        (Held(torch.zeros(1), "x", ({"a": torch.zeros(2)}, {})), 12),
        ([SaysSo(), "text", None, 5], 7),
    ],
    ids=["tensor", "array", "module", "dataclass", "list"],
)
def test_bytes_of_the_arrays_within(value, expected):
    assert footprint(value) == expected
