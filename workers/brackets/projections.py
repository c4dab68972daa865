"""Projections q · [v_a, v_b] = (H_b q) · g_a − (H_a q) · g_b of all pairs, by one product per example and direction.

No bracket is formed: N products give the whole N × N matrix of a direction (mathematics.md, 2, A4). No power of the
learning rate is included.

Axes: N examples, R rows, Q directions, p pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.brackets.functional import Functional, Tensors
from workers.brackets.products import gradients_and_products
from workers.brackets.vectors import inner_products

DIRECTIONS = 8
"""Directions taken together: bounds memory; part of the bits of a result, so it is fixed."""

Integers = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Projections:
    """Values by pair, ordered by a, then b.

    Attributes:
        pairs: Positions (a, b), a < b, int64 (p, 2).
        values: q · [v_a, v_b], (p, Q).
    """

    pairs: Integers
    values: Floats

    def columns(self, step: int, indices: Integers, labels: Sequence[str]) -> dict[str, Any]:
        """All columns of the `projections` table (schemas.results.PROJECTIONS), one row per pair and direction.

        Args:
            step: Checkpoint.
            indices: Train-split indices of all N examples, (N,).
            labels: Names of the Q directions.
        """
        p, Q = self.values.shape
        members = np.repeat(indices[self.pairs], Q, axis=0)
        return {
            "step": np.full(p * Q, step),
            "i": members[:, 0],
            "j": members[:, 1],
            "target": list(labels) * p,
            "value": self.values.reshape(-1),
        }


def project_rows(
    functional: Functional,
    inputs: Tensor,
    targets: Tensor,
    rows: range,
    directions: Sequence[Tensors],
    micro: int,
    pause: Callable[[], None] = lambda: None,
) -> Projections:
    """Projections of the pairs (a, b), b > a, with a in `rows` and b up to N.

    Held are (R + micro) · (1 + min(Q, DIRECTIONS)) · P numbers: gradients and products of the rows, and of `micro`
    examples that go by. An example is taken once for every DIRECTIONS directions: with all examples in `rows`, N
    products per direction.

    Args:
        functional: The model at the checkpoint.
        inputs: Of all N examples, (N, *input_shape).
        targets: (N, K).
        rows: Positions of the first example of a pair.
        directions: Q directions q.
        micro: Examples that go by at once.
        pause: Called before every pass; what it raises ends the work.
    """
    span = range(rows.start, len(inputs))
    a, b = np.meshgrid(np.arange(rows.start, rows.stop), np.arange(span.start, span.stop), indexing="ij")
    later = a < b
    groups = [
        _values(functional, inputs, targets, rows, directions[start : start + DIRECTIONS], micro, pause)
        for start in range(0, len(directions), DIRECTIONS)
    ]
    values = torch.cat(groups, dim=2).cpu().numpy()
    return Projections(pairs=np.stack([a[later], b[later]], axis=1), values=values[later])


def _values(
    functional: Functional,
    inputs: Tensor,
    targets: Tensor,
    rows: range,
    directions: Sequence[Tensors],
    micro: int,
    pause: Callable[[], None],
) -> Tensor:
    """Values for every row a and every b from the first row on, (R, N − start, Q)."""
    Q, R = len(directions), len(rows)
    stacked = {name: torch.stack([q[name] for q in directions]) for name in directions[0]}

    def state(start: int, stop: int) -> tuple[Tensors, Tensors]:
        pause()
        found = gradients_and_products(functional, inputs[start:stop], targets[start:stop], stacked)
        return found[0], {name: product.transpose(0, 1).flatten(0, 1) for name, product in found[1].items()}

    parts = [state(start, min(start + micro, rows.stop)) for start in range(rows.start, rows.stop, micro)]
    held_gradients, held_products = (
        {name: torch.cat([part[kind][name] for part in parts]) for name in stacked} for kind in (0, 1)
    )
    del parts
    among = inner_products(held_gradients, held_products).reshape(R, R, Q)
    columns = [among - among.transpose(0, 1)]
    for start in range(rows.stop, len(inputs), micro):
        gradients, products = state(start, min(start + micro, len(inputs)))
        forward = inner_products(held_gradients, products).reshape(R, -1, Q)
        backward = inner_products(held_products, gradients).reshape(R, Q, -1).transpose(1, 2)
        columns.append(forward - backward)
    return torch.cat(columns, dim=1)
