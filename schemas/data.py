"""Dataset specs and selections of examples.

Training examples are numbered from 0 in the train split, test examples from 0 in the test split.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from schemas.base import Digest, LabelName, Name, PositiveFloat, Seed, Spec

MAX_EXAMPLES = 100_000


class Digits(Spec):
    """scikit-learn's 1,797 real 8×8 digits: the first 1,437 train, the last 360 test; pixels divided by 16."""

    kind: Literal["digits"] = "digits"


DIGITS_TRAIN, DIGITS_TEST, DIGITS_LABELS = 1_437, 360, 10


class Imported(Spec):
    """A dataset imported once with `holonomy data import`."""

    name: Name | None = None
    """Name given at import. The service pins it to a digest when the job is submitted and drops the name."""
    digest: Digest | None = None
    """Digest of the imported dataset."""

    @model_validator(mode="after")
    def _one_reference(self) -> Self:
        if (self.name is None) == (self.digest is None):
            raise ValueError("give either the name or the digest of an imported dataset, not both or neither")
        return self


class Idx(Imported):
    """A dataset in IDX files (the format of MNIST), imported once with `holonomy data import`."""

    kind: Literal["idx"] = "idx"
    mean: float = 0.0
    """Subtracted from pixels that were first divided by 255."""
    std: PositiveFloat = 1.0
    """Divides what is left."""


class LabelControls(Spec):
    """Six labels made from a pair (A, B) of the data's own, appended to them: what a flag of A and B is held against.

    `control_exclusive_1` and `_2`: every example with A or B is given one of the two by a fair coin, so that they
    exclude each other and nothing in the input tells them apart. `control_independent_1` and `_2`: drawn with the
    rates of A and B, independent of everything. `control_identical_1` and `_2`: A, twice.
    """

    pair: tuple[LabelName, LabelName]
    """Names of the labels A and B."""
    seed: Seed = 0
    """Seeds the coins; each split has its own stream."""

    @model_validator(mode="after")
    def _two_labels(self) -> Self:
        if self.pair[0] == self.pair[1]:
            raise ValueError(f"the pair of label controls names two different labels; came {self.pair[0]!r} twice")
        return self


CONTROL_LABELS = tuple(
    f"control_{kind}_{number}" for kind in ("exclusive", "independent", "identical") for number in (1, 2)
)


class Images(Imported):
    """Colour images (CelebA, or folders of pictures), imported once with `holonomy data import`."""

    kind: Literal["images"] = "images"
    mean: float | Annotated[tuple[float, ...], Field(min_length=1)] = 0.0
    """Subtracted from pixels that were first divided by 255: one number, or one per channel."""
    std: PositiveFloat | Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = 1.0
    """Divides what is left: one number, or one per channel."""
    labels: Annotated[tuple[LabelName, ...], Field(min_length=1)] | None = None
    """Which of several independent labels are outputs, in this order; by default all, in the data's order."""
    controls: LabelControls | None = None
    """Labels to append as controls."""

    @model_validator(mode="after")
    def _labels_once(self) -> Self:
        twice = sorted({name for name in self.labels or () if (self.labels or ()).count(name) > 1})
        if twice:
            raise ValueError(f"labels are named once each; named more than once: {twice[:5]}")
        if self.labels is not None and self.controls is not None:
            missing = sorted(set(self.controls.pair) - set(self.labels))
            if missing:
                raise ValueError(f"the pair of label controls must be among `labels`; missing: {missing}")
        return self


class Text(Imported):
    """Texts as token ids of one length (IMDb), imported once with `holonomy data import`; token 0 is padding."""

    kind: Literal["text"] = "text"


class RegistryData(Spec):
    """A dataset installed on the workers under the entry-point group `holonomy.datasets`."""

    kind: Literal["registry"] = "registry"
    name: Name
    """Name of the entry point."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the factory."""


Data = Annotated[Digits | Idx | Images | Text | RegistryData, Field(discriminator="kind")]

Index = Annotated[int, Field(ge=0, lt=2**31)]


def _ascending(indices: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(indices))


class Indices(Spec):
    """Listed examples; kept in ascending order, so that the same set has the same digest."""

    kind: Literal["indices"] = "indices"
    indices: Annotated[tuple[Index, ...], Field(min_length=1, max_length=MAX_EXAMPLES), AfterValidator(_ascending)]
    """Example numbers, each once."""

    @model_validator(mode="after")
    def _unique(self) -> Self:
        twice = sorted({a for a, b in zip(self.indices, self.indices[1:], strict=False) if a == b})
        if twice:
            raise ValueError(f"example indices must be unique; listed more than once: {twice[:5]}")
        return self


class First(Spec):
    """The first `count` examples of the split."""

    kind: Literal["first"] = "first"
    count: Annotated[int, Field(ge=1, le=MAX_EXAMPLES)]
    """How many."""


class Random(Spec):
    """A seeded random choice without replacement, in ascending order."""

    kind: Literal["random"] = "random"
    count: Annotated[int, Field(ge=1, le=MAX_EXAMPLES)]
    """How many."""
    seed: Seed = 0
    """Seed of the choice."""


def _listed(value: Any) -> Any:
    """A bare list of numbers means `indices`; a range works as well."""
    return {"kind": "indices", "indices": list(value)} if isinstance(value, list | tuple | range) else value


Examples = Annotated[Annotated[Indices | First | Random, Field(discriminator="kind")], BeforeValidator(_listed)]


def count_examples(examples: Indices | First | Random) -> int:
    """How many examples a selection names (N or T)."""
    return len(examples.indices) if isinstance(examples, Indices) else examples.count


def largest_index(examples: Indices | First | Random) -> int:
    """The smallest index a split must have for the selection to fit."""
    return examples.indices[-1] if isinstance(examples, Indices) else examples.count - 1
