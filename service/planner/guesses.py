"""First guesses of what work costs, on one CPU core; the first committed blocks replace them."""

from typing import Literal, assert_never

from schemas.brackets import Brackets, Path, TopPairs
from schemas.data import DIGITS_LABELS, count_examples
from schemas.looks import count_looks
from schemas.models import Mlp
from schemas.reorderings import longest_order
from schemas.replicas import Replicas
from schemas.training import Training
from service.planner.size import DataSize, ModelSize

FLOPS_PER_SECOND = 5e9
# Of matrix products over many examples or pairs at once.
PRODUCT_FLOPS_PER_SECOND = 4e10
# Of multilayer perceptrons that are trained together.
STACKED_FLOPS_PER_SECOND = 1e11
# Small models are bound by the calls into the tensor library, not by arithmetic.
SECONDS_PER_CALL = 5e-4
# Numbers that an elementwise operation goes through.
PASSED_PER_SECOND = 5e8
UNKNOWN_SPLIT = 10_000


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


def guessed_replica_seconds(spec: Replicas, model: ModelSize, data: DataSize) -> dict[str, float]:
    """Seconds of a unit of each kind of block of a replica job (`service.planner.costs.units`)."""
    run, forward = spec.training, model.forward_flops
    together = STACKED_FLOPS_PER_SECOND if isinstance(run.model, Mlp) else FLOPS_PER_SECOND
    train, test = (
        measured_examples(wanted, split)
        for wanted, split in (
            (spec.measures.train_examples, data.train),
            (spec.measures.test_examples, data.test),
        )
    )
    # Differences, norms and cosines go over the parameters some ten times.
    look = (train + test) * forward / together + 10 * model.parameters / PASSED_PER_SECOND
    looks = count_looks(spec.looks, run.steps) / max(1, run.steps)
    step = SECONDS_PER_CALL / 10 + 3 * run.batch_size * forward / together
    guesses = {"replica_segment": step + looks * look}
    path = SECONDS_PER_CALL
    if spec.barriers is not None:
        examples = sum(measured_examples(spec.barriers.examples, split) for split in (data.train, data.test))
        once = (examples + spec.barriers.batchnorm_examples) * forward / together
        path += (1 if spec.alignment is None else 2) * spec.barriers.points * once
    if spec.alignment is not None:
        # A dozen sweeps of a search, each a product and an assignment for every layer.
        path += spec.alignment.restarts * 12 * (SECONDS_PER_CALL + 30 * model.parameters / PASSED_PER_SECOND)
    if spec.alignment is not None or spec.barriers is not None:
        guesses["replica_paths"] = path
    if spec.lyapunov is not None:
        # Two members of a stack, and for each tangent a derivative of the gradient.
        passes = 2 * 3 + 12 * spec.lyapunov.exponents
        guesses["replica_exponents"] = 4 * SECONDS_PER_CALL + passes * run.batch_size * forward / FLOPS_PER_SECOND
    if spec.autocorrelation:
        checkpoints = len(run.checkpoints)
        pairs = checkpoints * (checkpoints + 1) // 2
        numbers = model.parameters + test * (data.labels or DIGITS_LABELS)
        guesses["replica_correlations"] = (
            checkpoints * test * forward / together + pairs * 4 * numbers / PASSED_PER_SECOND
        )
    return guesses


def guessed_checkpoint_seconds(spec: Replicas, model: ModelSize, data: DataSize) -> float:
    """A look at one member on all examples of both splits, as at checkpoints."""
    examples = sum(measured_examples("all", split) for split in (data.train, data.test))
    return examples * model.forward_flops / _together(spec)


def measured_examples(wanted: int | Literal["all"], split: int | None) -> int:
    """How many examples of a split are measured; as many as a middling split has where its size is not known."""
    whole = UNKNOWN_SPLIT if split is None else split
    return whole if wanted == "all" else min(wanted, whole)


def _together(spec: Replicas) -> float:
    """Operations per second on many examples of a member at once."""
    return PRODUCT_FLOPS_PER_SECOND if isinstance(spec.training.model, Mlp) else FLOPS_PER_SECOND


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
