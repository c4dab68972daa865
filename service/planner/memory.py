"""How much a worker may hold at once, in memory and in one object."""

from math import isqrt
from typing import assert_never

from schemas.base import Dtype
from schemas.brackets import Brackets, Path, TopPairs
from schemas.data import DIGITS_LABELS, count_examples
from service.planner.size import DataSize, ModelSize

ITEM_BYTES: dict[Dtype, int] = {"float32": 4, "float64": 8}
BUDGET_BYTES = 512 * 2**20
PROJECTED_BYTES = 2 * 2**30
MAX_MICRO: dict[Path, int] = {"generic": 16, "tap": 16, "structured": 32}
# Arrays of P values alive per pair of an inner tile: both products, their difference in float64, and temporaries.
ARRAYS_PER_PAIR = 6
# Of one tile's object. A worker holds it several times over: as tensors, in float64 while it is reduced, as bytes.
MAX_TILE_BYTES = 128 * 2**20
# Directions that are projected on together, and gradients and products alive for each example that goes by.
PROJECTED_TOGETHER = 8


def micro_edge(path: Path, model: ModelSize, dtype: Dtype) -> int:
    """Edge m of the inner tile: the largest for which the m² pairs of the path fit the budget, up to MAX_MICRO."""
    item = ITEM_BYTES[dtype]
    match path:
        case "generic":
            numbers = ARRAYS_PER_PAIR * model.parameters
        case "tap" | "structured":
            numbers = ARRAYS_PER_PAIR * model.activations
        case _:
            assert_never(path)
    return max(1, min(MAX_MICRO[path], isqrt(BUDGET_BYTES // (max(1, numbers) * item))))


def projected_rows(model: ModelSize, dtype: Dtype, targets: int, *, factored: bool) -> int:
    """Most rows whose gradients, and products with the targets taken together, fit the budget of projections.

    Every further block of rows goes through all later examples again, so that the budget is a large one. Of a model
    whose parameters are those of linear layers (`factored`) no gradient is formed, only what goes in and out of them.
    """
    numbers = 2 * model.activations if factored else model.parameters
    each = (1 + min(targets, PROJECTED_TOGETHER)) * max(1, numbers) * ITEM_BYTES[dtype]
    return max(1, PROJECTED_BYTES // each)


def projected_micro(model: ModelSize, dtype: Dtype, targets: int) -> int:
    """Examples that go by at once in a projection: gradients, products and what derivatives of both keep."""
    numbers = ARRAYS_PER_PAIR * (model.parameters + model.activations)
    each = (1 + min(targets, PROJECTED_TOGETHER)) * max(1, numbers) * ITEM_BYTES[dtype]
    return max(1, min(MAX_MICRO["generic"], BUDGET_BYTES // each))


def stored_bytes(spec: Brackets, model: ModelSize, data: DataSize) -> int:
    """Bytes that a pair adds to the object of its tile: n RMS values, T · K logits if moved, P values if kept.

    Pairs that are listed count only where all of them, in one tile, would be too much.
    """
    moved = _in_tile(spec.perturbed, moved_bytes(spec, data))
    return 8 * model.tensors + moved + _in_tile(spec.keep, model.parameters * ITEM_BYTES[spec.dtype])


def moved_bytes(spec: Brackets, data: DataSize) -> int:
    """Bytes of the T · K logit perturbations of a pair."""
    test = count_examples(spec.test_examples) if spec.test_examples else 0
    return test * (data.labels or DIGITS_LABELS) * ITEM_BYTES[spec.dtype]


def _in_tile(pairs: str | TopPairs | tuple[tuple[int, int], ...], each: int) -> int:
    match pairs:
        case "all":
            return each
        case tuple():
            return each if len(pairs) * each > MAX_TILE_BYTES else 0
        case _:
            return 0
