"""Pairs computed again on the generic path in float64, compared with what was stored.

Axes: N examples, p pairs, n parameter tensors, T test examples, K outputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import Wanted
from workers.brackets.tiles.recompute import exact_state, identical
from workers.precision import doubled

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class StoredPair:
    """What a job stored of [v_a, v_b].

    Attributes:
        norm: ‖[v_a, v_b]‖.
        tensor_rms: RMS of every tensor, (n,).
        cosine_a: Cosine with g_a.
        cosine_b: Cosine with g_b.
        logits: J_t [v_a, v_b], (T, K), if stored.
    """

    norm: float
    tensor_rms: Floats
    cosine_a: float
    cosine_b: float
    logits: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True)
class Verification:
    """Errors of a stored pair, relative to float64 but for the cosine. A number where 0 is right has the error 1.

    Attributes:
        norm: ‖[v_a, v_b]‖ in float64.
        norm_error: Of the norm.
        tensor_error: Largest over tensors, of the RMS.
        cosine_error: Larger of both cosines', absolute.
        logit_error: Largest error over the largest |Δz|, None without stored logits.
    """

    norm: float
    norm_error: float
    tensor_error: float
    cosine_error: float
    logit_error: float | None


def verify_pairs(
    functional: Functional,
    inputs: Tensor,
    targets: Tensor,
    pairs: Sequence[tuple[int, int]],
    stored: Sequence[StoredPair],
    test_inputs: Tensor | None = None,
    pause: Callable[[], None] = lambda: None,
) -> list[Verification]:
    """Errors of stored pairs, one pair at a time: two products and the memory of one pair.

    Args:
        functional: The model at the checkpoint, of any type.
        inputs: Of all N examples, of any type, (N, *input_shape).
        targets: (N, K).
        pairs: Positions (a, b).
        stored: What was stored of each.
        test_inputs: Test examples (T, *input_shape), where logits are stored.
        pause: Called before every pair; what it raises ends the work.
    """
    path = Generic(functional).double()
    tests = None if test_inputs is None else path.tests(doubled(test_inputs))
    sizes = np.array([max(1, parameter.numel()) for parameter in functional.parameters.values()])
    found = []
    for (a, b), pair in zip(pairs, stored, strict=True):
        pause()
        left, right = exact_state(path, inputs, targets, [a]), exact_state(path, inputs, targets, [b])
        moved = [0] if pair.logits is not None and tests is not None else []
        block = path.pairs(left, right, Wanted(tests=tests, moved=moved))
        # Of two equal examples the products are one and the same, whatever rounding makes of their difference.
        scale = 0.0 if identical(inputs, targets, np.array([[a, b]]))[0] else 1.0
        squares = scale * block.sums.squares[0].cpu().numpy()
        norm = float(np.sqrt(squares.sum()))
        cosine_a, cosine_b = (
            _quotient(scale * float(dot[0]), norm * float(state.squares().sum().sqrt()), where_zero=0.0)
            for dot, state in ((block.sums.dot_x, left), (block.sums.dot_y, right))
        )
        tensor_rms = np.sqrt(squares / sizes)
        logit_error = None
        if block.logits is not None and pair.logits is not None:
            moves = scale * block.logits[0].cpu().numpy()
            logit_error = _relative(float(np.abs(pair.logits - moves).max()), float(np.abs(moves).max()))
        found.append(
            Verification(
                norm=norm,
                norm_error=_relative(abs(pair.norm - norm), norm),
                tensor_error=max(map(_relative, np.abs(pair.tensor_rms - tensor_rms).tolist(), tensor_rms.tolist())),
                cosine_error=max(abs(pair.cosine_a - cosine_a), abs(pair.cosine_b - cosine_b)),
                logit_error=logit_error,
            )
        )
    return found


def verification_columns(
    step: int, pairs: Sequence[tuple[int, int]], found: Sequence[Verification], path: str
) -> dict[str, Any]:
    """All columns of the `verifications` table (schemas.results.VERIFICATIONS).

    Args:
        step: Checkpoint.
        pairs: Train-split indices (i, j).
        found: Of each pair.
        path: Path that computed what was stored.
    """
    return {
        "step": [step] * len(found),
        "i": [i for i, _ in pairs],
        "j": [j for _, j in pairs],
        "path": [path] * len(found),
        "bracket_norm": [pair.norm for pair in found],
        "norm_error": [pair.norm_error for pair in found],
        "tensor_error": [pair.tensor_error for pair in found],
        "cosine_error": [pair.cosine_error for pair in found],
        "logit_error": [pair.logit_error for pair in found],
    }


def _relative(error: float, right: float) -> float:
    """An error as a share of the right number, 1 where that is 0 and the error is not."""
    return _quotient(error, right, where_zero=float(error > 0))


def _quotient(above: float, below: float, where_zero: float) -> float:
    return above / below if below > 0 else where_zero
