"""How many pairs a worker may hold at once, in memory and in one object."""

from math import isqrt

from schemas.base import Dtype
from schemas.brackets import Brackets
from schemas.data import DIGITS_LABELS, count_examples
from service.planner.size import DataSize, ModelSize

ITEM_BYTES: dict[Dtype, int] = {"float32": 4, "float64": 8}
BUDGET_BYTES = 512 * 2**20
MAX_MICRO = 16
# Arrays of P values alive per pair of an inner tile: both products, their difference in float64, and temporaries.
ARRAYS_PER_PAIR = 6
# Of one tile's object. A worker holds it several times over: as tensors, in float64 while it is reduced, as bytes.
MAX_TILE_BYTES = 128 * 2**20


def micro_edge(model: ModelSize, dtype: Dtype) -> int:
    """Edge m of the inner tile: the largest m in 1 … 16 with ARRAYS_PER_PAIR · m² · P · itemsize in the budget."""
    bytes_per_pair = ARRAYS_PER_PAIR * max(1, model.parameters) * ITEM_BYTES[dtype]
    return max(1, min(MAX_MICRO, isqrt(BUDGET_BYTES // bytes_per_pair)))


def stored_bytes(spec: Brackets, model: ModelSize, data: DataSize) -> int:
    """Bytes that a pair adds to the object of its tile, beyond a few numbers: T · K logits, P values if it is kept.

    Pairs that are listed count only where all of them, in one tile, would be too much.
    """
    item = ITEM_BYTES[spec.dtype]
    test = count_examples(spec.test_examples) if spec.test_examples else 0
    bracket = model.parameters * item
    few = spec.keep == "none" or (spec.keep != "all" and len(spec.keep) * bracket <= MAX_TILE_BYTES)
    return test * (data.labels or DIGITS_LABELS) * item + (0 if few else bracket)
