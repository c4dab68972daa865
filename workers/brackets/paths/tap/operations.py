"""How tangents pass through operations without parameters.

Axes: M examples of a batch, D directions at each of them. Values are (M, …), their tangents (M, D, …).

For y = f(x) with cotangents δ:  dy = f′ dx;  δ_x = f′ᵀ δ_y;  dδ_x = f′ᵀ dδ_y + (f″ dx)ᵀ δ_y.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.func import jvp, vjp, vmap

Pure = Callable[..., tuple[Tensor, ...]]
"""From active inputs to active outputs; everything else is bound."""


class Operation(Protocol):
    """An operation at a batch."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """Slots of the active inputs."""
        ...

    @property
    def outputs(self) -> tuple[int, ...]:
        """Slots of the outputs."""
        ...

    @property
    def shapes(self) -> tuple[torch.Size, ...]:
        """Of the outputs."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory held."""
        ...

    def settle(self, delta: Sequence[Tensor]) -> Sequence[Tensor]:
        """From δ of the outputs to δ of the inputs, noting what the other methods need."""
        ...

    def push(self, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """From tangents of the inputs to those of the outputs."""
        ...

    def pull(self, ddelta: Sequence[Tensor], tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """From dδ of the outputs and tangents of the inputs to dδ of the inputs."""
        ...

    def transposed(self, ddelta: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ᵀ dδ: what is left of `pull` without second derivatives."""
        ...


@dataclass
class Pointwise:
    """y_i = f_i(x_i): the derivatives are arrays, which all directions share.

    Attributes:
        inputs: The slot of x.
        outputs: The slot of y.
        function: f.
        value: x; given up once f′ is known.
        curved: Whether f has a second derivative.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    function: Callable[[Tensor], Tensor]
    value: Tensor | None
    curved: bool
    slope: Tensor = field(init=False)
    bend: Tensor | None = field(init=False, default=None)

    @property
    def shapes(self) -> tuple[torch.Size, ...]:
        """That of x."""
        return (self.slope.shape if self.value is None else self.value.shape,)

    @property
    def nbytes(self) -> int:
        """Of f′ and f″ δ_y."""
        return self.slope.nbytes + (0 if self.bend is None else self.bend.nbytes)

    def settle(self, delta: Sequence[Tensor]) -> Sequence[Tensor]:
        """δ_x = f′ δ_y, noting f′ and f″ δ_y."""

        def slope(value: Tensor) -> Tensor:
            back: Callable[[Tensor], tuple[Tensor]] = vjp(self.function, value)[1]
            return back(torch.ones_like(value))[0]

        if self.value is None:
            raise RuntimeError("a tape is settled once")
        value = apart(self.value)
        if self.curved:
            first, second = jvp(slope, (value,), (delta[0],))[:2]
            self.bend = second.unsqueeze(1)
        else:
            first = slope(value)
        self.slope, self.value = first.unsqueeze(1), None
        return (first * delta[0],)

    def push(self, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ dx."""
        return (self.slope * tangents[0],)

    def pull(self, ddelta: Sequence[Tensor], tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ dδ_y + f″ δ_y dx."""
        pulled = self.slope * ddelta[0]
        return (pulled if self.bend is None else pulled.addcmul_(self.bend, tangents[0]),)

    def transposed(self, ddelta: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ dδ_y."""
        return (self.slope * ddelta[0],)


@dataclass
class Linear:
    """Affine in all inputs together: f″ = 0.

    Attributes:
        inputs: Slots of the inputs.
        outputs: Slots of the outputs.
        shapes: Of the outputs.
        function: f.
        values: x.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[torch.Size, ...]
    function: Pure
    values: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        self.values = tuple(apart(value) for value in self.values)

    @property
    def nbytes(self) -> int:
        """Of the inputs."""
        return sum(value.nbytes for value in self.values)

    def settle(self, delta: Sequence[Tensor]) -> Sequence[Tensor]:
        """δ_x = f′ᵀ δ_y."""
        return _transpose(self.function, self.values)(tuple(delta))

    def push(self, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ dx."""

        def pushed(*tangents: Tensor) -> tuple[Tensor, ...]:
            result: tuple[Tensor, ...] = jvp(self.function, self.values, tangents)[1]
            return result

        return _each_direction(pushed, tangents)

    def pull(self, ddelta: Sequence[Tensor], tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ᵀ dδ_y."""
        return self.transposed(ddelta)

    def transposed(self, ddelta: Sequence[Tensor]) -> Sequence[Tensor]:
        """f′ᵀ dδ_y."""
        back = _transpose(self.function, self.values)
        return _each_direction(lambda *ddelta: back(ddelta), ddelta)


@dataclass
class Sum:
    """y = Σ ± x over inputs of one shape: nothing is computed backwards.

    Attributes:
        inputs: Slots of both inputs.
        outputs: The slot of y.
        shapes: That of y.
        sign: Of the second input.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[torch.Size, ...]
    sign: int
    nbytes: int = 0

    def settle(self, delta: Sequence[Tensor]) -> Sequence[Tensor]:
        """δ to both."""
        return self.transposed(delta)

    def push(self, tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """The sum of tangents."""
        return (torch.add(tangents[0], tangents[1], alpha=self.sign),)

    def pull(self, ddelta: Sequence[Tensor], tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """dδ to both."""
        return self.transposed(ddelta)

    def transposed(self, ddelta: Sequence[Tensor]) -> Sequence[Tensor]:
        """dδ to both."""
        return ddelta[0], ddelta[0] if self.sign > 0 else -ddelta[0]


@dataclass
class General(Linear):
    """Any operation that torch.func can differentiate twice."""

    def settle(self, delta: Sequence[Tensor]) -> Sequence[Tensor]:
        """δ_x = f′ᵀ δ_y; δ_y is noted."""
        self.delta = tuple(apart(cotangent) for cotangent in delta)
        return super().settle(delta)

    def pull(self, ddelta: Sequence[Tensor], tangents: Sequence[Tensor]) -> Sequence[Tensor]:
        """The tangent of (x, δ_y) → f′(x)ᵀ δ_y."""
        n = len(self.values)

        def back(*both: Tensor) -> tuple[Tensor, ...]:
            return _transpose(self.function, both[:n])(both[n:])

        def pulled(*both: Tensor) -> tuple[Tensor, ...]:
            result: tuple[Tensor, ...] = jvp(back, (*self.values, *self.delta), both)[1]
            return result

        return _each_direction(pulled, (*tangents, *ddelta))


def apart(value: Tensor) -> Tensor:
    """The same values, each in memory of its own: forward derivatives are refused at points that were expanded."""
    shared = any(step == 0 and size > 1 for step, size in zip(value.stride(), value.shape, strict=True))
    return value.contiguous() if shared else value


def _transpose(function: Pure, values: tuple[Tensor, ...]) -> Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]:
    back: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] = vjp(function, *values)[1]
    return back


def _each_direction(function: Pure, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Apply to every direction, axis 1 of arguments and results."""
    # vmap would lay out what does not depend on the direction, such as zeros after `detach`, along the wrong axis
    # if it were to put directions second itself.
    results: tuple[Tensor, ...] = vmap(function, in_dims=1)(*tensors)
    return tuple(result.movedim(0, 1) for result in results)
