"""Reorderings as rows, and how well brackets predict which order leaves the smaller test loss.

Axes: r reorderings.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.brackets.columns import Floats
from workers.brackets.orders import Reordering
from workers.brackets.reorderings import Effect


def reordering_columns(
    step: int, start: int, orders: Sequence[Reordering], effects: Sequence[Effect], lr: float
) -> dict[str, Any]:
    """All columns of the `reorderings` table (schemas.results.REORDERINGS).

    Args:
        step: Checkpoint.
        start: Number of the first reordering.
        orders: What was compared.
        effects: Of each.
        lr: Learning rate of the exact steps.
    """
    swaps = [order.first if len(order.first) == 2 else (None, None) for order in orders]
    return {
        "step": [step] * len(orders),
        "reordering": list(range(start, start + len(orders))),
        "items": [len(order.first) for order in orders],
        "i": [pair[0] for pair in swaps],
        "j": [pair[1] for pair in swaps],
        "lr": [lr] * len(orders),
        "predicted_norm": [effect.predicted_norm for effect in effects],
        "exact_norm": [effect.exact_norm for effect in effects],
        "relative_error": [effect.relative_error for effect in effects],
        "cosine": [effect.cosine for effect in effects],
        "predicted_loss": [effect.predicted_loss for effect in effects],
        "realised_loss": [effect.realised_loss for effect in effects],
        "agrees": [effect.agrees for effect in effects],
    }


def accuracy_columns(
    step: int, predicted: Floats | None, realised: Floats | None, relative_errors: Floats
) -> dict[str, Any]:
    """All columns of the `order_accuracy` table (schemas.results.ORDER_ACCURACY), which has one row.

    Args:
        step: Checkpoint.
        predicted: ∇L_test · (S(σ) − S(τ)), (r,); None without test examples.
        realised: (L_test(θ_σ) − L_test(θ_τ)) / lr², (r,); None without test examples.
        relative_errors: Of the predicted effects on the parameters, (r,).
    """
    count = len(relative_errors)
    agreeing = 0 if predicted is None or realised is None else int((np.sign(predicted) == np.sign(realised)).sum())
    return {
        "step": [step],
        "reorderings": [count],
        "agreeing": [agreeing],
        "accuracy": [None if predicted is None else agreeing / count],
        "pearson_r": [None if predicted is None or realised is None else _correlation(predicted, realised)],
        "median_relative_error": [float(np.median(relative_errors))],
    }


def _correlation(x: Floats, y: Floats) -> float | None:
    """Pearson's r; None unless both vary."""
    dx, dy = x - x.mean(), y - y.mean()
    below = float(np.sqrt((dx @ dx) * (dy @ dy)))
    return float(dx @ dy) / below if below > 0 else None
