"""How well brackets predict what a reordering does: rows of reorderings, and what they say together."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.brackets.orders.orders import Reordering
from workers.brackets.orders.reorderings import Effect, same_sign


def reordering_columns(
    step: int, start: int, orders: Sequence[Reordering], effects: Sequence[Effect], lr: float
) -> dict[str, Any]:
    """All columns of the `reorderings` table (schemas.results.REORDERINGS).

    Args:
        step: Checkpoint.
        start: Number of the first reordering within the job.
        orders: What was compared.
        effects: Of each.
        lr: Learning rate of the exact steps.
    """
    swaps = [order.first if len(order.first) == 2 else (None, None) for order in orders]
    return {
        "step": [step] * len(orders),
        "reordering": list(range(start, start + len(orders))),
        "items": [len(order.first) for order in orders],
        "i": [i for i, _ in swaps],
        "j": [j for _, j in swaps],
        "lr": [lr] * len(orders),
        "predicted_norm": [effect.predicted_norm for effect in effects],
        "exact_norm": [effect.exact_norm for effect in effects],
        "relative_error": [effect.relative_error for effect in effects],
        "cosine": [effect.cosine for effect in effects],
        "predicted_loss": [effect.predicted_loss for effect in effects],
        "realised_loss": [effect.realised_loss for effect in effects],
        "agrees": [effect.agrees for effect in effects],
    }


def order_accuracy_columns(
    step: int,
    predicted: Sequence[float | None],
    realised: Sequence[float | None],
    relative_errors: Sequence[float],
) -> dict[str, Any]:
    """All columns of the `order_accuracy` table (schemas.results.ORDER_ACCURACY), which has one row.

    The correlation is None with fewer than two reorderings or where either side does not vary; accuracy is None, too,
    without test examples. Of exact ties, two zeros agree and a zero beside another number does not, as in `Effect`.

    Args:
        step: Checkpoint.
        predicted: Predicted differences of the test loss of every reordering, None without test examples.
        realised: Realised differences.
        relative_errors: Of the effects on parameters, at least one.
    """
    both = [(p, r) for p, r in zip(predicted, realised, strict=True) if p is not None and r is not None]
    agreeing = sum(same_sign(p, r) for p, r in both)
    return {
        "step": [step],
        "reorderings": [len(relative_errors)],
        "agreeing": [agreeing],
        "accuracy": [agreeing / len(both) if both else None],
        "pearson_r": [_correlation(np.array(both).reshape(-1, 2))],
        "median_relative_error": [float(np.median(relative_errors))],
    }


def _correlation(pairs: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """Pearson correlation of two columns (p, 2)."""
    if len(pairs) < 2 or bool((pairs == pairs[0]).all(0).any()):
        return None
    x, y = (pairs - pairs.mean(0)).T
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))
