"""From a selection of examples to their numbers."""

from typing import Any, assert_never

import numpy as np

from schemas.data import First, Indices, Random, largest_index
from workers.errors import UserFault
from workers.streams import Stream, generator


def resolve(examples: Indices | First | Random, size: int, split: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Example numbers in ascending order, each once: int64 (N,).

    A random choice is drawn without replacement from the Philox stream of its seed.

    Args:
        examples: The selection.
        size: Examples in the split.
        split: What to call the split in a message.

    Raises:
        UserFault: the split is too small for the selection.
    """
    if largest_index(examples) >= size:
        raise UserFault(
            f"the selection needs example {largest_index(examples)} of the {split} split, "
            f"which has {size} (0 … {size - 1}): choose among those"
        )
    match examples:
        case Indices():
            return np.array(examples.indices, dtype=np.int64)
        case First():
            return np.arange(examples.count, dtype=np.int64)
        case Random():
            chosen = generator(examples.seed, Stream.EXAMPLES).choice(size, examples.count, replace=False)
            return np.sort(chosen).astype(np.int64)
        case _:
            assert_never(examples)
