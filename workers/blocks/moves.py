"""Logit perturbations of some pairs at a checkpoint: rows of `perturbations`, and sums from which `outputs` is made.

Axes: p pairs, T test examples, K outputs.
"""

import torch
from torch import Tensor

from workers.blocks.prepared import Prepared
from workers.brackets.summaries.outputs import OutputSums, output_sums, slack
from workers.brackets.tiles.columns import Integers, perturbation_columns
from workers.outcome import Rows

AXES = {
    "outputs/pairs": "count",
    "outputs/square_sum": "output",
    "outputs/largest": "output",
    "outputs/probability_square_sum": "output",
}


def perturbation_rows(at: Prepared, step: int, examples: Integers, logits: Tensor, name: str) -> Rows:
    """Rows of `perturbations`.

    Args:
        at: The checkpoint.
        step: Its step.
        examples: Train-split indices of the pairs, (p, 2).
        logits: Δz_t = J_t [v_i, v_j], (p, T, K), in the order in which the object holds them.
        name: Of that object.

    Raises:
        UserFault: a perturbation is not finite.
    """
    return perturbation_columns(step, examples, logits.numpy(), at.test_logits().numpy(), name)


def moved_sums(at: Prepared, logits: Tensor) -> dict[str, Tensor]:
    """Sums over pairs and test examples of Δz (p, T, K), as arrays of an object."""
    sums = output_sums(logits.numpy(), slacks(at).numpy())
    return {
        "outputs/pairs": torch.tensor([sums.pairs]),
        "outputs/square_sum": torch.from_numpy(sums.square_sum),
        "outputs/largest": torch.from_numpy(sums.largest),
        "outputs/probability_square_sum": torch.from_numpy(sums.probability_square_sum),
    }


def read_sums(arrays: dict[str, Tensor]) -> OutputSums | None:
    """What `moved_sums` wrote; None of a tile without any of the pairs."""
    if "outputs/pairs" not in arrays:
        return None
    return OutputSums(
        pairs=int(arrays["outputs/pairs"]),
        square_sum=arrays["outputs/square_sum"].numpy(),
        largest=arrays["outputs/largest"].numpy(),
        probability_square_sum=arrays["outputs/probability_square_sum"].numpy(),
    )


def slacks(at: Prepared) -> Tensor:
    """p(1 − p) of the test examples' outputs, (T, K)."""
    return slack(at.spec.training.loss, at.dataset, at.test_logits())
