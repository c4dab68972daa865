"""What every way of computing brackets offers: first-order states of examples, and blocks of pairs between them.

Axes: m examples of a state, p pairs of a block, n parameter tensors, T test examples, K outputs.
A pair (a, b) holds [v_a, v_b] = H_b g_a − H_a g_b, without any power of the learning rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

from torch import Tensor

from schemas.brackets import Path as PathName
from workers.brackets.functional import Tensors
from workers.brackets.paths.reductions import GaussNewtonSums, PairSums


class FirstOrder(Protocol):
    """Examples with their losses and gradients, in whatever form the path computes with."""

    @property
    def losses(self) -> Tensor:
        """L_x, (m,)."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory that the state holds."""
        ...

    def __len__(self) -> int: ...

    def squares(self) -> Tensor:
        """‖g_x‖² of every tensor, float64 (m, n)."""
        ...


@dataclass(frozen=True)
class Wanted:
    """What a block of pairs is to hold beside its sums. Places count along the block's pairs.

    Attributes:
        gauss_newton: Whether sums of the Gauss–Newton parts are wanted.
        tests: What the path's `tests` made of the test examples; needed for logits.
        moved: Places of the pairs whose logit perturbations are wanted, ascending.
        kept: Places of the pairs whose whole bracket is wanted, ascending.
    """

    gauss_newton: bool = False
    tests: Any = None
    moved: Sequence[int] = ()
    kept: Sequence[int] = ()


@dataclass(frozen=True)
class PairBlock:
    """Results for p pairs.

    Attributes:
        sums: Of the brackets, one row per pair.
        gauss_newton: Of their Gauss–Newton parts, if wanted.
        logits: J_t [v_a, v_b] of the pairs in `moved`, (len(moved), T, K); None when that is empty.
        brackets: Whole brackets of the pairs in `kept`, in that order.
    """

    sums: PairSums
    gauss_newton: GaussNewtonSums | None = None
    logits: Tensor | None = None
    brackets: list[Tensors] = field(default_factory=list)


S = TypeVar("S", bound=FirstOrder)
U = TypeVar("U", covariant=True)


class BracketPath(Protocol[S, U]):
    """One way of computing brackets at a checkpoint. Results do not depend on the path beyond rounding."""

    @property
    def name(self) -> PathName:
        """Recorded with every result."""
        ...

    def double(self) -> Self:
        """The same path at the same point in float64."""
        ...

    def first_order(self, inputs: Tensor, targets: Tensor) -> S:
        """Losses and gradients of examples (m, *input_shape) with targets (m, K)."""
        ...

    def tests(self, inputs: Tensor) -> U:
        """What logit perturbations of test examples (T, *input_shape) need; made once per checkpoint."""
        ...

    def pairs(self, left: S, right: S | None, wanted: Wanted) -> PairBlock:
        """All brackets of a small block of pairs, whose memory the caller bounds by the sizes of the states.

        Args:
            left: Examples a.
            right: Examples b; with None the pairs are those among the left ones, a before b.
            wanted: What to return beside the sums.

        Returns:
            Results ordered by a, then b: m(m − 1)/2 pairs without `right`, else m_left · m_right.
        """
        ...
