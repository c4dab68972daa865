"""The examples and pairs a bracket job looks at.

Axes: N chosen training examples, T test examples.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from schemas.brackets import Brackets, TopPairs
from workers.brackets.tiles.geometry import Integers, TileShape
from workers.data import Dataset, resolve
from workers.errors import UserFault

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Chosen:
    """Ascending indices of their splits: training (N,) and test (T,), or None without test examples."""

    train: Integers
    test: Integers | None

    @classmethod
    def of(cls, spec: Brackets, dataset: Dataset) -> "Chosen":
        """Resolve a job's selections.

        Raises:
            UserFault: a split is too small, or pairs are listed that were not chosen.
        """
        train = resolve(spec.examples, len(dataset.train), "train")
        test = None if spec.test_examples is None else resolve(spec.test_examples, len(dataset.test), "test")
        for field, pairs in (("keep", spec.keep), ("logits", spec.perturbed)):
            if isinstance(pairs, tuple):
                outside = ~np.isin(np.array(pairs), train).all(1)
                if outside.any():
                    strange = [pairs[place] for place in np.flatnonzero(outside)[:5]]
                    raise UserFault(f"{field} names pairs outside the chosen examples: {strange}")
        return cls(train, test)

    def flags(
        self, pairs: Literal["none", "all"] | TopPairs | tuple[tuple[int, int], ...], shape: TileShape
    ) -> Flags | None:
        """Which pairs of a tile are meant, by place; None where none is, or where the largest are not known yet."""
        if pairs == "all":
            return np.ones(shape.pairs, dtype=np.bool_)
        if isinstance(pairs, str | TopPairs):
            return None
        flags = np.isin(_numbered(self.train[shape.members()]), _numbered(np.array(pairs, dtype=np.int64)))
        return flags if flags.any() else None


def _numbered(pairs: Integers) -> Integers:
    """One number per pair of indices: (p, 2) → (p,). Indices are below 2³¹."""
    numbered: Integers = (pairs[:, 0] << 31) + pairs[:, 1]
    return numbered
