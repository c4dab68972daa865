"""A bracket job: [v_x, v_y] = H_y g_x − H_x g_y for every unordered pair of examples at checkpoints of a run."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.base import Device, Dtype, Spec, Step
from schemas.data import Examples, Indices, count_examples, largest_index
from schemas.training import Training

Pair = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


def _once(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Ascending, each once: the same pairs have the same digest."""
    return tuple(sorted(set(pairs)))


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
    """Test examples t (T of them) whose logit perturbations J_t [v_x, v_y] are stored; none by default."""
    keep: Literal["none", "all"] | Annotated[tuple[Pair, ...], Field(min_length=1), AfterValidator(_once)] = "none"
    """Pairs whose whole bracket is stored, one value per parameter."""
    batchnorm: Literal["eval"] = "eval"
    """BatchNorm uses the running statistics of the checkpoint, passed explicitly."""
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
        if not isinstance(self.keep, str):
            self._check_kept_pairs(self.keep)
        return self

    def _check_kept_pairs(self, pairs: tuple[Pair, ...]) -> None:
        unordered = [pair for pair in pairs if pair[0] >= pair[1]]
        if unordered:
            raise ValueError(f"keep lists pairs (i, j) with i < j; came {unordered[:5]}")
        if isinstance(self.examples, Indices):
            known = set(self.examples.indices)
            strange = [pair for pair in pairs if not known.issuperset(pair)]
        else:
            top = largest_index(self.examples)
            strange = [pair for pair in pairs if self.examples.kind == "first" and pair[1] > top]
        if strange:
            raise ValueError(f"keep names pairs outside the chosen examples: {strange[:5]}")

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """The steps looked at, ascending."""
        return self.training.checkpoints if self.steps == "all" else self.steps
