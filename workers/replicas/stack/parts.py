"""Who takes which step: members that share a rule, on one batch or on a batch each.

Axes: R members, m members of a part, B examples of a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from schemas.optimizers import Rule
from workers.errors import BlockFault


@dataclass(frozen=True)
class Part:
    """Some members of a stack that take the same kind of step together.

    Attributes:
        members: Ascending numbers of members; the parts of a step are disjoint and cover the stack.
        examples: Numbers of training examples, int64: (B,) shared by these members, or (m, B), each member its own.
        optimizer: The rule with the hyper-parameters of this step; its lr is already times the schedule's factor.
    """

    members: tuple[int, ...]
    examples: Tensor
    optimizer: Rule

    def __post_init__(self) -> None:
        if self.examples.dim() not in (1, 2):
            raise BlockFault(f"a part's examples are (B,) or (m, B), came {tuple(self.examples.shape)}")
        if self.examples.dim() == 2 and len(self.examples) != len(self.members):
            raise BlockFault(f"a part of {len(self.members)} members has batches for {len(self.examples)}")

    @property
    def shared(self) -> bool:
        """Whether all members of the part see one batch."""
        return self.examples.dim() == 1


def check_cover(parts: Sequence[Part], R: int) -> None:
    """Return, if every one of R members is in one part, once, and every part is ascending.

    Raises:
        BlockFault: they are not.
    """
    if any(list(part.members) != sorted(set(part.members)) for part in parts):
        raise BlockFault("the members of a part must ascend")
    listed = sorted(member for part in parts for member in part.members)
    if listed != list(range(R)):
        raise BlockFault(f"the parts of a step must hold each of {R} members once, they hold {listed[:20]}")
