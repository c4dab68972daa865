"""The examples on which replicas are compared.

Axes: N examples of a split, n of them that are measured.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from schemas.replicas import OnExamples
from workers.data.dataset import Dataset, Split
from workers.data.pixels import Pixels
from workers.streams import Stream, generator


@dataclass(frozen=True)
class Examples:
    """Some examples of both splits, or all of them."""

    train: Split
    test: Split

    @classmethod
    def drawn(cls, train: OnExamples, test: OnExamples, seed: int, dataset: Dataset) -> Self:
        """So many of each split, the same in every group of a job and at every step: a pure function of the seed."""
        return cls(
            _subset(dataset.train, drawn(train, len(dataset.train), seed, 0)),
            _subset(dataset.test, drawn(test, len(dataset.test), seed, 1)),
        )

    @classmethod
    def everything(cls, dataset: Dataset) -> Self:
        """Those of a checkpoint: both splits whole."""
        return cls(dataset.train, dataset.test)


def drawn(count: OnExamples, size: int, seed: int, branch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Numbers of n = min(count, N) of N examples in ascending order, each once: int64 (n,).

    Drawn without replacement from the Philox stream of the seed; of a smaller split all are taken.

    Args:
        count: How many, or all.
        size: N.
        seed: The job's.
        branch: Tells apart what is drawn from one seed: 0 the training examples, 1 the test examples.
    """
    if count == "all" or count >= size:
        return np.arange(size, dtype=np.int64)
    chosen = generator(seed, Stream.MEASURED, branch).choice(size, count, replace=False)
    return np.sort(chosen).astype(np.int64)


def _subset(split: Split, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Split:
    if len(numbers) == len(split):
        return split
    chosen = torch.from_numpy(numbers).to(split.labels.device)
    inputs = split.inputs
    # Pixels stay bytes until a part of them is measured.
    taken = replace(inputs, stored=inputs.stored[chosen]) if isinstance(inputs, Pixels) else inputs[chosen]
    return Split(taken, split.labels[chosen])
