"""What is refused of a bracket job at submission: examples that are not there, and more than one job may ask for.

Axes: N examples, T test examples, K outputs, P parameters.
"""

from collections.abc import Iterable

from schemas.brackets import Brackets, TopPairs
from schemas.data import DIGITS_LABELS, count_examples, largest_index
from schemas.models import RegistryModel
from schemas.reorderings import ListedOrders, count_reorderings, longest_order
from schemas.targets import TestLogit
from service.errors import Refused
from service.planner.ceilings import check_bytes, check_rows
from service.planner.memory import ITEM_BYTES
from service.planner.size import DataSize, model_size

MAX_ORDERED = 100_000_000
"""Examples in all orders of a job's reorderings: each takes a product and a step in float64."""


def check_brackets(spec: Brackets, data: DataSize) -> None:
    """Refuse a bracket job that cannot be computed here; its training run is checked apart.

    Raises:
        Refused: `out_of_range`, or `too_large` with the arithmetic.
    """
    _check_examples(spec, data)
    N, checkpoints = count_examples(spec.examples), len(spec.checkpoints)
    pairs = N * (N - 1) // 2 * checkpoints
    product = f"{N:,} × {N - 1:,} / 2 pairs × {checkpoints:,} checkpoints"
    if spec.norms:
        check_rows("pairs", product, pairs, "take fewer examples or steps")
        _check_arrays(spec, data, pairs, product)
    if targets := len(spec.projections):
        check_rows(
            "projections",
            f"{product} × {targets:,} targets",
            pairs * targets,
            "take fewer examples, targets or steps",
        )
    if batches := len(spec.minibatches):
        check_rows(
            "pairs of minibatches",
            f"{batches:,} × {batches - 1:,} / 2 pairs × {checkpoints:,} checkpoints",
            batches * (batches - 1) // 2 * checkpoints,
            "take fewer minibatches or steps",
        )
    if spec.reorderings is not None:
        orders = spec.reorderings.orders
        count, items = count_reorderings(orders, N), longest_order(orders, N)
        total = 2 * count * items * checkpoints
        if total > MAX_ORDERED:
            raise Refused(
                "too_large",
                f"the orders of a job's reorderings hold at most {MAX_ORDERED:,} examples; these hold 2 × {count:,} "
                f"orders × {items:,} examples × {checkpoints:,} checkpoints = {total:,}: take fewer or shorter ones",
            )


def _check_arrays(spec: Brackets, data: DataSize, pairs: int, product: str) -> None:
    size, item, checkpoints = model_size(spec.training, data), ITEM_BYTES[spec.dtype], len(spec.checkpoints)
    if spec.test_examples is not None and spec.perturbed != "none":
        T, K = count_examples(spec.test_examples), data.labels or DIGITS_LABELS
        match spec.perturbed:
            case TopPairs(count=count):
                moved, which = min(pairs, count * checkpoints), f"{count:,} pairs × {checkpoints:,} checkpoints"
            case tuple(listed):
                moved, which = len(listed) * checkpoints, f"{len(listed):,} pairs × {checkpoints:,} checkpoints"
            case _:
                moved, which = pairs, product
        check_bytes(f"logits of {which} × {T:,} test examples × {K:,} outputs × {item} bytes", moved * T * K * item)
    if spec.keep != "none":
        kept = pairs if spec.keep == "all" else len(spec.keep) * checkpoints
        check_bytes(
            f"{kept:,} kept brackets × {size.parameters:,} parameters × {item} bytes", kept * size.parameters * item
        )


def _check_examples(spec: Brackets, data: DataSize) -> None:
    _check_index("examples", "train", largest_index(spec.examples), data.train)
    if spec.test_examples is not None:
        _check_index("test_examples", "test", largest_index(spec.test_examples), data.test)
    logits = [target for target in spec.projections if isinstance(target, TestLogit)]
    _check_index("a projection on a logit", "test", _largest(target.example for target in logits), data.test)
    model = spec.training.model
    outputs = data.labels if isinstance(model, RegistryModel) else model.outputs or data.labels
    output = _largest(target.output for target in logits)
    if outputs is not None and output >= outputs:
        raise Refused(
            "out_of_range",
            f"a projection names output {output:,} but the model has {outputs:,}, numbered 0 to {outputs - 1:,}",
        )
    for place, batch in enumerate(spec.minibatches):
        _check_index(f"minibatch {place}", "train", max(batch), data.train)
    if spec.reorderings is not None and isinstance(spec.reorderings.orders, ListedOrders):
        for place, (order, _) in enumerate(spec.reorderings.orders.orders):
            _check_index(f"pair of orders {place}", "train", max(order), data.train)


def _check_index(field: str, split: str, index: int, count: int | None) -> None:
    if count is not None and index >= count:
        raise Refused(
            "out_of_range",
            f"{field} reaches index {index:,} but the {split} split has {count:,} examples, "
            f"numbered 0 to {count - 1:,}",
        )


def _largest(numbers: Iterable[int]) -> int:
    return max(numbers, default=-1)
