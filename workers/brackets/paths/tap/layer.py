"""What a layer with parameters offers: its taps, how tangents pass through it, and products of its parameters.

Axes: M examples y of the layer's own batch; D examples x of another batch, whose gradients are the directions.
Values are (M, …), tangents (M, D, …): row y, column x is at example y in the direction g_x.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from workers.brackets.functional import Tensors


class Untappable(Exception):
    """The tap path cannot follow the model.

    Attributes:
        reasons: Why, for a person.
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Layer(ABC):
    """A layer at one batch: parameters W, input a, output z, and once it is settled δ = ∂L/∂z.

    Attributes:
        names: Its parameters, as the model names them.
        factored: The parameter, if any, whose gradients and products stay sums of outer products.
        inputs: Slot of the input; none if that does not depend on parameters.
        outputs: Slot of the output.
        gradients: g of the parameters that are not factored, (M, *shape) but for the order of entries, which `shaped`
            mends; there once the layer is settled.
    """

    names: tuple[str, ...]
    factored: str | None = None
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    gradients: Tensors

    @abstractmethod
    def settle(self, delta: Tensor) -> None:
        """Take δ of the output, and form what directions and reductions need of it."""

    @abstractmethod
    def push(self, directions: Self, tangent: Tensor | None) -> Tensor:
        """Gives dz = ∂z/∂a da + ∂z/∂W g_x; the second term needs no tangent of the input."""

    def shaped(self, name: str | None, entries: Tensor) -> Tensor:
        """A gradient or product (…, entries) of a parameter in the parameter's shape; most have it from the start."""
        return entries

    def entries(self, name: str, values: Tensor) -> Tensor:
        """The inverse of `shaped`, in a row: (p, *shape) → (p, entries)."""
        return values.flatten(1)

    @abstractmethod
    def product(self, name: str, flow: "Flow", rows: slice, columns: slice, share: bool) -> Tensor:
        """H_y g_x of a parameter that is not factored: (rows, columns, *shape), ordered as in `gradients`.

        With `share` it is the Gauss–Newton part, in which only dδ counts.
        """

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory held."""


@dataclass
class Flow:
    """Tangents at a layer for all pairs of two batches.

    Attributes:
        at: The layer at the examples y.
        along: The layer at the examples x, whose gradients are the directions.
        tangent: da, (M, D, …); None if the input does not depend on parameters.
        ddelta: dδ, (M, D, …).
        share: dδ of the Gauss–Newton part, if wanted.
    """

    at: Layer
    along: Layer
    tangent: Tensor | None
    ddelta: Tensor
    share: Tensor | None

    def cotangents(self, share: bool) -> Tensor:
        """dδ, or that of the Gauss–Newton part."""
        return self.share if share and self.share is not None else self.ddelta


class Through(Layer):
    """A layer whose input may depend on parameters before it."""

    @abstractmethod
    def transposed(self, cotangents: Tensor) -> Tensor:
        """∂z/∂aᵀ applied to any number B of cotangents of the output, each at any example: (B, …)."""

    @abstractmethod
    def pull(self, directions: Self, ddelta: Tensor) -> Tensor:
        """dδ_a = ∂z/∂aᵀ dδ + (∂²z/∂a∂W g_x)ᵀ δ."""


class Columns(Layer):
    """A layer with one parameter that acts position by position, so that g = Σ_t δ_t ⊗ a_t over T positions.

    H_y g_x = Σ_t dδ_t ⊗ a_yt + δ_yt ⊗ da_t. With few positions nothing of the parameter's size is ever formed: norms
    and dot products follow from products of columns.
    """

    u: Tensor
    """δ as columns, (M, T, c_out)."""

    @property
    @abstractmethod
    def v(self) -> Tensor:
        """The input as columns, in whatever form `v_grams` and `whole` take: (M, T, …)."""

    def u_of(self, cotangents: Tensor) -> Tensor:
        """δ or dδ (B, …) as columns (B, T, c_out). By default positions lie between the first axis and the last."""
        return columns(cotangents)

    def v_of(self, tangents: Tensor) -> Tensor:
        """Of a or da (B, …) the columns (B, T, c_in), likewise."""
        return columns(tangents)

    @abstractmethod
    def v_grams(self, a_y: Tensor, da_xy: Tensor | None, a_x: Tensor, da_yx: Tensor | None) -> Tensor:
        """Products of all columns of the four, for p pairs: float64 (p, 4, T, 4, T)."""

    @abstractmethod
    def applied_columns(self, entries: Tensor) -> Tensor:
        """What p values of the parameter, as `entries` gives them, make of a: (p, M, T, c_out)."""

    @abstractmethod
    def whole(self, u: Tensor, v: Tensor) -> Tensor:
        """Σ_t u_t ⊗ v_t for p pairs, u (p, T, c_out): (p, *shape)."""


def columns(values: Tensor) -> Tensor:
    """(B, …, c) → (B, T, c)."""
    return values.reshape(len(values), -1, values.shape[-1])
