"""Control labels: what the flag of a pair of outputs is held against.

Axes: N examples.
"""

import torch
from torch import Tensor

from schemas.datasets import SPLITS, SplitName
from workers.streams import Stream, generator


def control_labels(first: Tensor, second: Tensor, seed: int, split: SplitName) -> Tensor:
    """Six labels made from the labels A and B, (N, 6) uint8, in the order of `schemas.data.CONTROL_LABELS`.

    Exclusive: an example with A or B has exactly one of the first two, by a fair coin. Independent: drawn with the
    rates of A and of B in the split. Identical: A, and A again.

    Args:
        first: A, (N,) of 0 and 1.
        second: B, (N,) of 0 and 1.
        seed: Of the coins.
        split: Each split has a stream of its own.
    """
    child = generator(seed, Stream.CONTROLS).spawn(len(SPLITS))[SPLITS.index(split)]
    draws = torch.from_numpy(child.random((3, len(first))))
    A, B = first.bool(), second.bool()
    heads = draws[0] < 0.5
    columns = (
        (A | B) & heads,
        (A | B) & ~heads,
        draws[1] < A.double().mean(),
        draws[2] < B.double().mean(),
        A,
        A,
    )
    return torch.stack(columns, dim=1).to(torch.uint8)
