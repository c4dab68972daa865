"""Which steps an edit of the batch schedule can reach, so that all the others need not be looked at.

Axes: B examples of a batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from schemas.perturbations import DropExample, Edit, ReplaceExample, Reseed, Reshuffle, SwapExamples, SwapSteps


@dataclass(frozen=True)
class Reach:
    """A step outside all of this sees the baseline's batch; one inside may see another.

    Attributes:
        steps: These steps.
        examples: Steps in whose batch of the baseline one of these is.
        after: Steps after this one, if any.
    """

    steps: frozenset[int] = frozenset()
    examples: frozenset[int] = frozenset()
    after: int | None = None

    @classmethod
    def of(cls, edits: Iterable[Edit]) -> Self:
        """What several edits reach together.

        Whatever one of them reaches: where those before it leave the baseline's batch, it sees that.
        """
        steps, examples, afters = set[int](), set[int](), list[int]()
        for edit in edits:
            match edit:
                case SwapSteps():
                    steps |= {edit.first, edit.second}
                case SwapExamples():
                    steps |= {edit.first.step, edit.second.step}
                case DropExample() | ReplaceExample() if edit.step is None:
                    examples.add(edit.example)
                case DropExample(step=int(step)) | ReplaceExample(step=int(step)):
                    steps.add(step)
                case Reshuffle() | Reseed():
                    afters.append(edit.after)
        return cls(frozenset(steps), frozenset(examples), min(afters, default=None))
