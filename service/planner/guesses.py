"""First guesses of what work costs, on one CPU core; the first committed blocks replace them."""

from typing import assert_never

from schemas.brackets import Brackets, Path, TopPairs
from schemas.data import count_examples
from schemas.reorderings import longest_order
from schemas.training import Training
from service.planner.size import ModelSize

FLOPS_PER_SECOND = 5e9
# Of matrix products over many examples or pairs at once.
PRODUCT_FLOPS_PER_SECOND = 4e10
# Small models are bound by the calls into the tensor library, not by arithmetic.
SECONDS_PER_CALL = 5e-4


def guessed_step_seconds(spec: Training, model: ModelSize) -> float:
    """A training step: forward and twice that for backward, over the batch."""
    return SECONDS_PER_CALL + 3 * spec.batch_size * model.forward_flops / FLOPS_PER_SECOND


def guessed_bracket_seconds(spec: Brackets, model: ModelSize, path: Path) -> dict[str, float]:
    """Seconds of a unit of each kind of block of a bracket job (`service.planner.costs.units`)."""
    test = count_examples(spec.test_examples) if spec.test_examples else 0
    moved = 0 if isinstance(spec.perturbed, TopPairs) else test
    passes = SECONDS_PER_CALL + model.forward_flops / FLOPS_PER_SECOND
    largest = max(map(len, spec.minibatches), default=0)
    guesses = {
        "bracket_tile": _pair(spec, model, path, moved),
        "bracket_perturbations": 2 * _pair(spec, model, path, test) + SECONDS_PER_CALL,
        # Two products and their share of two gradients, over whole batches.
        "bracket_minibatches": SECONDS_PER_CALL + 2 * 9 * largest * model.forward_flops / FLOPS_PER_SECOND,
    }
    if spec.reorderings is not None:
        items = longest_order(spec.reorderings.orders, count_examples(spec.examples))
        # In each order a product and a step for every example, and twice the test loss.
        guesses["bracket_reorderings"] = 2 * (items * 12 + test) * passes
    return guesses


def _pair(spec: Brackets, model: ModelSize, path: Path, test: int) -> float:
    """An ordered pair with half the logit perturbations of its unordered one."""
    forward = model.forward_flops
    share = 2 if spec.gauss_newton else 1
    match path:
        case "generic":
            # A derivative of a gradient is about 12 forward passes, a tangent of the logits about 3.
            return SECONDS_PER_CALL + (12 * share + 1.5 * test) * forward / FLOPS_PER_SECOND
        case "tap":
            return SECONDS_PER_CALL / 20 + (6 * share + 1.5 * test) * forward / PRODUCT_FLOPS_PER_SECOND
        case "structured":
            return SECONDS_PER_CALL / 200 + (1 * share + 0.05 * test) * forward / PRODUCT_FLOPS_PER_SECOND
        case _:
            assert_never(path)
