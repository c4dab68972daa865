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
from workers.brackets.targets.factors import Factors, Spread

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

    Held are gradients of the rows and their products with up to DIRECTIONS directions, and those of `micro` examples
    that go by: at most (R + micro) · (1 + min(Q, DIRECTIONS)) · P numbers, far fewer where parameters are those of
    linear layers (`factors`). An example is taken once for every DIRECTIONS directions: with all examples in `rows`,
    N products per direction.

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
    factors = Factors.of(functional, inputs[:1], targets[:1])
    groups = []
    for start in range(0, len(directions), DIRECTIONS):
        group = directions[start : start + DIRECTIONS]
        stacked = {name: torch.stack([q[name] for q in group]) for name in functional.parameters}

        def state(part: range, stacked: Tensors = stacked) -> Spread:
            pause()
            return factors.spread(inputs[part.start : part.stop], targets[part.start : part.stop], stacked)

        groups.append(_values(factors, state, rows, len(inputs), micro))
    values = torch.cat(groups, dim=2).cpu().numpy()
    return Projections(pairs=np.stack([a[later], b[later]], axis=1), values=values[later])


def _values(factors: Factors, state: Callable[[range], Spread], rows: range, N: int, micro: int) -> Tensor:
    """Values for every row a and every b from the first row on, float64 (R, N − start, Q)."""
    held = [state(part) for part in _cut(rows, micro)]

    def against(other: Spread) -> Tensor:
        forward = torch.cat([factors.products(own, other) for own in held])
        backward = torch.cat([factors.products(other, own) for own in held], dim=1)
        return forward - backward.transpose(0, 1)

    among = [against(own) for own in held]
    later = [against(state(part)) for part in _cut(range(rows.stop, N), micro)]
    return torch.cat(among + later, dim=1)


def _cut(span: range, micro: int) -> list[range]:
    return [range(start, min(start + micro, span.stop)) for start in range(span.start, span.stop, micro)]
