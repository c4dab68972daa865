"""A bracket job: [v_x, v_y] = H_y g_x − H_x g_y for pairs of examples at checkpoints of a run, and what follows.

v_x = −∇L_x; no power of the learning rate is included anywhere but where a field says so.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from schemas.base import Device, Dtype, Seed, Spec, Step
from schemas.data import Examples, Index, Indices, count_examples, largest_index
from schemas.reorderings import Reorderings
from schemas.targets import Target, TestLoss
from schemas.training import Training

Path = Literal["generic", "tap", "structured"]
BatchNormMode = Literal["eval", "frozen"]
Pair = tuple[Index, Index]

ALL_LOGITS_UP_TO = 256
"""Most examples for which `logits: auto` means all pairs."""
DEFAULT_TOP = 1_000
MAX_TOP = 1_000_000


def _once(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Ascending, each once: the same pairs have the same digest."""
    return tuple(sorted(set(pairs)))


def _not_train(value: Any) -> Any:
    if value == "train":
        raise ValueError(
            "BatchNorm in train mode couples the examples of a batch, so no example has a gradient of its own: "
            "choose `eval` (running statistics) or `frozen` (those of the chosen examples, held fixed)"
        )
    return value


Batch = Annotated[tuple[Index, ...], Field(min_length=1)]
Pairs = Annotated[tuple[Pair, ...], Field(min_length=1), AfterValidator(_once)]


class TopPairs(Spec):
    """The pairs with the largest brackets at each checkpoint."""

    kind: Literal["top"] = "top"
    count: Annotated[int, Field(ge=1, le=MAX_TOP)] = DEFAULT_TOP
    """How many."""
    by: Literal["bracket_norm", "defect"] = "bracket_norm"
    """What is compared; ties go to the pair that comes first."""


class Brackets(Spec):
    """Pairwise Lie brackets of plain gradient fields v_x = −∇L_x; no power of the learning rate is included."""

    kind: Literal["brackets"] = "brackets"
    training: Training
    """The run whose checkpoints are used. An equal run that is there already is not trained again."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)] | Literal["all"] = "all"
    """Checkpoints to look at; `all` means every checkpoint of the run."""
    examples: Examples
    """Training examples x, y (N of them): N(N − 1)/2 unordered pairs."""
    test_examples: Examples | None = None
    """Test examples t (T of them): of logit perturbations J_t [v_x, v_y] and of the test loss. None by default."""
    norms: bool = True
    """Norms, cosines, defects and the fit over all pairs. Off, only the other reductions are computed."""
    gauss_newton: bool = False
    """The share of the Gauss–Newton part of the Hessian: its norm, its cosine with the bracket, its own fit."""
    logits: Literal["auto", "all"] | TopPairs | Pairs = "auto"
    """Pairs whose logit perturbations are stored, with test examples. `auto`: all pairs up to 256 examples, beyond
    that the 1,000 pairs with the largest brackets."""
    keep: Literal["none", "all"] | Pairs = "none"
    """Pairs whose whole bracket is stored, one value per parameter."""
    projections: Annotated[tuple[Target, ...], Field(max_length=1_000)] = ()
    """Directions q: the value q · [v_x, v_y] for every pair, by N products each."""
    minibatches: Annotated[tuple[Batch, ...], Field(max_length=10_000)] = ()
    """Batches of training examples: brackets of the fields of their means, two products for each pair."""
    reorderings: Reorderings | None = None
    """Whole reorderings of plain gradient steps: the predicted effect, and beside it the exact one."""
    null_pairs: Annotated[int, Field(ge=0, le=10_000)] = 8
    """Pairs, drawn at random, for the defect's null: random directions in place of the gradients."""
    verify: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Pairs, drawn at random, computed again on the generic path in float64; the errors are stored."""
    seed: Seed = 0
    """Seeds those draws."""
    path: Literal["auto"] | Path = "auto"
    """How brackets are computed. `auto` takes the fastest path that knows every module of the model."""
    batchnorm: Annotated[BatchNormMode, BeforeValidator(_not_train)] = "eval"
    """`eval`: BatchNorm uses the running statistics of the checkpoint. `frozen`: those of the chosen examples as one
    batch, computed once at the checkpoint and held fixed."""
    dtype: Dtype = "float32"
    """Type in which derivatives are taken; norms and dot products are accumulated in float64 either way."""
    device: Device = "auto"
    """`auto` takes whatever slot is free; recorded with the result."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if count_examples(self.examples) < 2:
            raise ValueError("a bracket needs at least two examples")
        if self.steps != "all":
            if tuple(sorted(set(self.steps))) != self.steps:
                raise ValueError("steps must be ascending and unique")
            missing = sorted(set(self.steps) - set(self.training.checkpoints))
            if missing:
                raise ValueError(
                    f"steps {missing[:5]} are not checkpoints of the run, which keeps {self.training.checkpoints}"
                )
        self._check_reductions()
        for field in ("keep", "logits"):
            pairs = getattr(self, field)
            if isinstance(pairs, tuple):
                self._check_pairs(field, pairs)
        return self

    def _check_reductions(self) -> None:
        if not self.norms:
            if not (self.projections or self.minibatches or self.reorderings):
                raise ValueError("with norms off, ask for projections, minibatches or reorderings")
            if self.keep != "none" or self.gauss_newton or self.verify or self.logits != "auto":
                raise ValueError("keep, gauss_newton, verify and logits look at pairs one by one: they need norms on")
        if self.logits != "auto" and self.test_examples is None:
            raise ValueError("logits are those of test examples: give test_examples")
        if self.test_examples is None and any(isinstance(target, TestLoss) for target in self.projections):
            raise ValueError("a projection on the test loss needs test_examples")
        if len(set(self.projections)) < len(self.projections):
            raise ValueError("a target of projections is listed more than once")
        if len(self.minibatches) == 1:
            raise ValueError("brackets of minibatches need at least two of them")
        for place, batch in enumerate(self.minibatches):
            if len(set(batch)) < len(batch):
                raise ValueError(f"minibatch {place} lists an example more than once")

    def _check_pairs(self, field: str, pairs: tuple[Pair, ...]) -> None:
        unordered = [pair for pair in pairs if pair[0] >= pair[1]]
        if unordered:
            raise ValueError(f"{field} lists pairs (i, j) with i < j; came {unordered[:5]}")
        if isinstance(self.examples, Indices):
            known = set(self.examples.indices)
            strange = [pair for pair in pairs if not known.issuperset(pair)]
        else:
            top = largest_index(self.examples)
            strange = [pair for pair in pairs if self.examples.kind == "first" and pair[1] > top]
        if strange:
            raise ValueError(f"{field} names pairs outside the chosen examples: {strange[:5]}")

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """The steps looked at, ascending."""
        return self.training.checkpoints if self.steps == "all" else self.steps

    @property
    def perturbed(self) -> Literal["none", "all"] | TopPairs | tuple[Pair, ...]:
        """Pairs whose logit perturbations are stored, with `auto` resolved."""
        if self.test_examples is None or not self.norms:
            return "none"
        if self.logits == "auto":
            return "all" if count_examples(self.examples) <= ALL_LOGITS_UP_TO else TopPairs()
        return self.logits
