"""From the sums of a tile to the columns of the `pairs` table.

Axes: p pairs, n parameter tensors, T test examples, K outputs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.errors import UserFault

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class PairNumbers:
    """A tile's numbers on the host; the pair axis is in the tile's order.

    Attributes:
        examples: Train-split indices of both examples, int64 (p, 2).
        squares: ‖[v_i, v_j]‖² of every tensor, (p, n).
        dot_i: [v_i, v_j] · g_i, (p,).
        dot_j: [v_i, v_j] · g_j, (p,).
        gradient_dot: g_i · g_j, (p,).
        square_ij: ‖H_j g_i‖², (p,).
        square_ji: ‖H_i g_j‖², (p,).
        gradient_norms: ‖g‖ of both examples, (p, 2).
        losses: L of both examples, (p, 2).
        logits: J_t [v_i, v_j], (p, T, K), or None.
    """

    examples: Integers
    squares: Floats
    dot_i: Floats
    dot_j: Floats
    gradient_dot: Floats
    square_ij: Floats
    square_ji: Floats
    gradient_norms: Floats
    losses: Floats
    logits: np.ndarray[Any, Any] | None

    def check_finite(self, step: int) -> None:
        """Return, if every number is finite.

        Raises:
            UserFault: some are not; it names the first few pairs.
        """
        fine = np.isfinite(self.squares).all(1) & np.isfinite(self.square_ij) & np.isfinite(self.square_ji)
        if self.logits is not None:
            fine &= np.isfinite(self.logits).all((1, 2))
        if not fine.all():
            bad = [tuple(int(i) for i in pair) for pair in self.examples[~fine][:5]]
            raise UserFault(
                f"brackets must be finite, those of {int((~fine).sum())} pairs at step {step} are not, "
                f"first examples {bad}: leave these examples out, use dtype float64 or an earlier checkpoint"
            )

    def columns(self, step: int, parameters: int, name: str, kept: dict[tuple[int, int], int]) -> dict[str, Any]:
        """All columns of the `pairs` table (schemas.results.PAIRS).

        Args:
            step: Checkpoint.
            parameters: P.
            name: Name of the tile's object.
            kept: Place among the kept brackets, by example indices.
        """
        p = len(self.examples)
        norm = np.sqrt(self.squares.sum(1))
        norm_i, norm_j = self.gradient_norms.T
        norm_ij, norm_ji = np.sqrt(self.square_ij), np.sqrt(self.square_ji)
        moved = None if self.logits is None else np.abs(self.logits.astype(np.float64))
        return {
            "step": np.full(p, step),
            "i": self.examples[:, 0],
            "j": self.examples[:, 1],
            "bracket_norm": norm,
            "bracket_rms": norm / np.sqrt(parameters),
            "gradient_norm_i": norm_i,
            "gradient_norm_j": norm_j,
            "cosine_i": ratio(self.dot_i, norm * norm_i),
            "cosine_j": ratio(self.dot_j, norm * norm_j),
            "gradient_cosine": ratio(self.gradient_dot, norm_i * norm_j),
            "defect": ratio(norm, norm_i * norm_j),
            "hvp_norm_ij": norm_ij,
            "hvp_norm_ji": norm_ji,
            "cancellation": ratio(norm, norm_ij + norm_ji, where_zero=1.0),
            "loss_i": self.losses[:, 0],
            "loss_j": self.losses[:, 1],
            "logit_rms": [None] * p if moved is None else np.sqrt((moved**2).mean((1, 2))),
            "logit_max": [None] * p if moved is None else moved.max((1, 2)),
            "object": [name] * p,
            "position": np.arange(p),
            "kept_position": [kept.get((int(i), int(j))) for i, j in self.examples],
        }


def ratio(above: Floats, below: Floats, where_zero: float = 0.0) -> Floats:
    """Above / below, and `where_zero` where `below` vanishes."""
    return np.divide(above, below, out=np.full_like(above, where_zero), where=below > 0)
