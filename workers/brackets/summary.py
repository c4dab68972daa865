"""What the tiles of a checkpoint say together.

Axes: N examples, p pairs, n parameter tensors, T test examples, K outputs.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from workers.brackets.fit import proportionality_fit
from workers.brackets.outputs import OutputSums
from workers.errors import BlockFault

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class TileSummary:
    """What a summary needs from one tile.

    Attributes:
        square_sum: Σ over pairs of the mean square of the bracket in each tensor, (n,).
        pairs: p of the tile.
        gradient_rms: RMS of ∇L_x by tensor, (n,), for positions that take part.
        defects: Commutator defects, (p,).
        outputs: Sums about outputs, with test examples.
    """

    square_sum: Floats
    pairs: int
    gradient_rms: dict[int, Floats]
    defects: Floats
    outputs: OutputSums | None


@dataclass(frozen=True)
class OutputFacts:
    """What does not depend on pairs: label names, mean p(1 − p) and share of the T test examples, each (K,)."""

    labels: Sequence[str]
    slack: Floats
    label_rate: Floats
    test_examples: int


@dataclass(frozen=True)
class Summary:
    """Columns of the result tables `tensors`, `fits` and `outputs`, and a few figures."""

    tensors: dict[str, Any]
    fits: dict[str, Any]
    outputs: dict[str, Any] | None
    data: dict[str, Any]


def summarise(
    tiles: Sequence[TileSummary],
    step: int,
    names: Sequence[str],
    sizes: Sequence[int],
    N: int,
    facts: OutputFacts | None,
) -> Summary:
    """Reduce the tiles of a checkpoint over all N(N − 1)/2 pairs.

    Args:
        tiles: In the order of their names, so that sums are bitwise repeatable.
        step: Checkpoint.
        names: Parameter tensors in the model's order.
        sizes: Number of elements of each.
        N: Chosen examples.
        facts: About outputs, with test examples.

    Raises:
        BlockFault: the tiles do not cover every pair and example exactly once.
    """
    gradients = {position: rms for tile in tiles for position, rms in tile.gradient_rms.items()}
    pairs = sum(tile.pairs for tile in tiles)
    if pairs != N * (N - 1) // 2 or sorted(gradients) != list(range(N)):
        raise BlockFault(
            f"the tiles of step {step} must cover {N * (N - 1) // 2} pairs of {N} examples, "
            f"they cover {pairs} pairs of {len(gradients)}"
        )
    bracket_rms = np.sqrt(sum((tile.square_sum for tile in tiles), np.zeros(len(names))) / pairs)
    by_example = np.stack([gradients[position] for position in range(N)])
    gradient_rms = np.sqrt((by_example**2).mean(0))
    zero = (by_example == 0).all(0)
    fit = proportionality_fit(gradient_rms, bracket_rms)
    defects = np.concatenate([tile.defects for tile in tiles])
    return Summary(
        tensors={
            "step": [step] * len(names),
            "tensor": list(names),
            "position": list(range(len(names))),
            "numel": list(sizes),
            "gradient_rms": gradient_rms,
            "bracket_rms": bracket_rms,
            "zero_gradient": zero,
        },
        fits={"step": [step]} | {name: [value] for name, value in asdict(fit).items()},
        outputs=None if facts is None else _outputs(tiles, step, facts),
        data={
            "step": step,
            "pairs": pairs,
            "defect_median": float(np.median(defects)),
            "zero_gradient": [name for name, flag in zip(names, zero, strict=True) if flag],
            "fit": asdict(fit),
        },
    )


def _outputs(tiles: Sequence[TileSummary], step: int, facts: OutputFacts) -> dict[str, Any]:
    sums = reduce(add, [tile.outputs for tile in tiles if tile.outputs is not None])
    count = sums.pairs * facts.test_examples
    K = len(facts.labels)
    return {
        "step": [step] * K,
        "output": list(range(K)),
        "label": list(facts.labels),
        "logit_rms": np.sqrt(sums.square_sum / count),
        "logit_max": sums.largest,
        "slack": facts.slack,
        "probability_rms": np.sqrt(sums.probability_square_sum / count),
        "label_rate": facts.label_rate,
    }
