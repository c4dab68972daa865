"""How many pairs a worker may hold at once."""

from math import isqrt

from schemas.base import Dtype
from service.planner.size import ModelSize

ITEM_BYTES: dict[Dtype, int] = {"float32": 4, "float64": 8}
BUDGET_BYTES = 512 * 2**20
MAX_MICRO = 16
# Arrays of P values alive per pair of an inner tile: both products, their difference in float64, and temporaries.
ARRAYS_PER_PAIR = 6


def micro_edge(model: ModelSize, dtype: Dtype) -> int:
    """Edge m of the inner tile: the largest m in 1 … 16 with ARRAYS_PER_PAIR · m² · P · itemsize in the budget."""
    bytes_per_pair = ARRAYS_PER_PAIR * max(1, model.parameters) * ITEM_BYTES[dtype]
    return max(1, min(MAX_MICRO, isqrt(BUDGET_BYTES // bytes_per_pair)))
