"""From the numbers of pairs to the columns of the tables `pairs` and `perturbations`.

Axes: p pairs, n parameter tensors, T test examples, K outputs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workers.brackets.summaries.function_norms import function_norms
from workers.errors import UserFault

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


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
        recomputed: Whether the pair was taken in float64 because of its cancellation, bool (p,).
        share_norm: Norm of the Gauss–Newton part of [v_i, v_j], (p,), or None.
        share_dot: [v_i, v_j] · its Gauss–Newton part, (p,), or None.
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
    recomputed: Flags
    share_norm: Floats | None
    share_dot: Floats | None

    def check_finite(self, step: int) -> None:
        """Return, if every number is finite.

        Raises:
            UserFault: some are not; it names the first few pairs.
        """
        fine = np.isfinite(self.squares).all(1) & np.isfinite(self.square_ij) & np.isfinite(self.square_ji)
        if self.share_norm is not None:
            fine &= np.isfinite(self.share_norm)
        if not fine.all():
            raise _not_finite("brackets", self.examples[~fine], step)

    def columns(self, step: int, parameters: int, name: str, kept: Integers) -> dict[str, Any]:
        """All columns of the `pairs` table (schemas.results.PAIRS).

        Args:
            step: Checkpoint.
            parameters: P.
            name: Name of the tile's object.
            kept: Places of the kept pairs, in the order of their brackets in the object.
        """
        p = len(self.examples)
        norm = np.sqrt(self.squares.sum(1))
        norm_i, norm_j = self.gradient_norms.T
        norm_ij, norm_ji = np.sqrt(self.square_ij), np.sqrt(self.square_ji)
        kept_position = np.full(p, np.nan)
        kept_position[kept] = np.arange(len(kept))
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
            "recomputed": self.recomputed,
            "gauss_newton_norm": [None] * p if self.share_norm is None else self.share_norm,
            "gauss_newton_cosine": self._share_cosine(norm),
            "object": [name] * p,
            "position": np.arange(p),
            "kept_position": kept_position,
        }

    def _share_cosine(self, norm: Floats) -> Floats | list[None]:
        """Cosine of the brackets with their Gauss–Newton parts, 0 where either vanishes."""
        if self.share_norm is None or self.share_dot is None:
            return [None] * len(norm)
        return ratio(self.share_dot, norm * self.share_norm)


def perturbation_columns(
    step: int, examples: Integers, moved: np.ndarray[Any, Any], logits: np.ndarray[Any, Any], name: str
) -> dict[str, Any]:
    """All columns of the `perturbations` table (schemas.results.PERTURBATIONS).

    Args:
        step: Checkpoint.
        examples: Train-split indices, (p, 2).
        moved: J_t [v_i, v_j], (p, T, K).
        logits: z_t at the checkpoint, (T, K).
        name: Name of the object that holds them, in this order.

    Raises:
        UserFault: some are not finite; it names the first few pairs.
    """
    fine = np.isfinite(moved).all((1, 2))
    if not fine.all():
        raise _not_finite("logit perturbations", examples[~fine], step)
    size = np.abs(moved)
    norms = function_norms(torch.from_numpy(moved), torch.from_numpy(logits))
    return {
        "step": np.full(len(examples), step),
        "i": examples[:, 0],
        "j": examples[:, 1],
        "logit_rms": norms.euclidean.numpy() / np.sqrt(moved.shape[2]),
        "logit_max": size.max((1, 2)).astype(np.float64),
        "norm_euclidean": norms.euclidean.numpy(),
        "norm_softmax": norms.softmax.numpy(),
        "norm_bernoulli": norms.bernoulli.numpy(),
        "object": [name] * len(examples),
        "position": np.arange(len(examples)),
    }


def ratio(above: Floats, below: Floats, where_zero: float = 0.0) -> Floats:
    """Above / below, and `where_zero` where `below` vanishes."""
    return np.divide(above, below, out=np.full_like(above, where_zero), where=below > 0)


def _not_finite(what: str, examples: Integers, step: int) -> UserFault:
    first = [tuple(pair) for pair in examples[:5].tolist()]
    return UserFault(
        f"{what} must be finite, those of {len(examples)} pairs at step {step} are not, first examples {first}: "
        "leave these examples out, use dtype float64 or an earlier checkpoint"
    )
