"""The gains of BatchNorm in eval mode and of LayerNorm: z = γ x̂ + β, element by element.

Axes: as in `layer`. BatchNorm has x̂ = r (a − μ) with running statistics; LayerNorm's x̂ is an operation of its own, so
there a = x̂ and r = 1.
"""

from typing import Self

import torch
from torch import Tensor

from workers.brackets.paths.tap.layer import Flow, Through, Untappable
from workers.brackets.paths.tap.matrix import Role


class Scale(Through):
    """γ and β at a batch.

    Attributes:
        hat: x̂, (M, …).
        gain: γ r, in a shape that broadcasts against values.
        rate: r likewise.
        numbers: The shape of γ against one example: 1 where it does not vary.
    """

    def __init__(
        self,
        role: Role,
        weight: Tensor | None,
        bias: Tensor | None,
        hat: Tensor,
        rate: Tensor,
        numbers: tuple[int, ...],
    ) -> None:
        self.weight_name, self.bias_name = role(weight), role(bias)
        self.names = tuple(name for name in (self.weight_name, self.bias_name) if name is not None)
        self.hat, self.rate, self.numbers = hat, rate, numbers
        self.gain = rate if weight is None else rate * weight.reshape(numbers)
        self.shape = next((tensor.shape for tensor in (weight, bias) if tensor is not None), ())

    @classmethod
    def batch_norm(
        cls,
        role: Role,
        input: Tensor,  # noqa: A002 (PyTorch's name)
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Self:
        """With running statistics held fixed.

        Raises:
            Untappable: statistics come from the batch.
        """
        if training or running_mean is None or running_var is None:
            raise Untappable(f"{role(weight) or role(bias)!r} belongs to a BatchNorm in train mode")
        numbers = (len(running_var), *[1] * (input.dim() - 2))
        rate = (running_var + eps).rsqrt().view(numbers)
        return cls(role, weight, bias, (input - running_mean.view(numbers)) * rate, rate, numbers)

    @classmethod
    def features(cls, role: Role, hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Self:
        """Of the last axes, as LayerNorm has them."""
        given = weight if weight is not None else bias
        shape = () if given is None else given.shape
        numbers = (*[1] * (hat.dim() - 1 - len(shape)), *shape)
        return cls(role, weight, bias, hat, hat.new_ones(numbers), numbers)

    @property
    def nbytes(self) -> int:
        """Of x̂, δ and the gradients."""
        return self.hat.nbytes + self.delta.nbytes + sum(gradient.nbytes for gradient in self.gradients.values())

    def settle(self, delta: Tensor) -> None:
        """g_γ = Σ δ x̂ and g_β = Σ δ over positions."""
        self.delta = delta
        self.gradients = {}
        if self.weight_name is not None:
            self.gradients[self.weight_name] = self._sums(delta * self.hat)
        if self.bias_name is not None:
            self.gradients[self.bias_name] = self._sums(delta)

    def transposed(self, cotangents: Tensor) -> Tensor:
        """γ r δ."""
        return self.gain * cotangents

    def push(self, directions: Self, tangent: Tensor | None) -> Tensor:
        """γ r da + g_γ x̂ + g_β."""
        if tangent is None:
            dz = self.hat.new_zeros(len(self.hat), len(directions.hat), *self.hat.shape[1:])
        else:
            dz = self.gain * tangent
        if self.weight_name is not None:
            dz.addcmul_(self._along(directions, self.weight_name), self.hat.unsqueeze(1))
        if self.bias_name is not None:
            dz += self._along(directions, self.bias_name)
        return dz

    def pull(self, directions: Self, ddelta: Tensor) -> Tensor:
        """γ r dδ + g_γ r δ."""
        pulled = self.gain * ddelta
        if self.weight_name is not None:
            gain = self._along(directions, self.weight_name) * self.rate
            pulled.addcmul_(gain, self.delta.unsqueeze(1))
        return pulled

    def product(self, name: str, flow: Flow, rows: slice, columns: slice, share: bool) -> Tensor:
        """Σ dδ x̂ + δ r da for γ, Σ dδ for β."""
        moved = flow.cotangents(share)[rows, columns]
        if name == self.weight_name:
            moved = moved * self.hat[rows].unsqueeze(1)
            if flow.tangent is not None and not share:
                moved.addcmul_((self.delta[rows] * self.rate).unsqueeze(1), flow.tangent[rows, columns])
        return torch.unflatten(self._sums(moved.flatten(0, 1)), 0, moved.shape[:2])

    def _sums(self, values: Tensor) -> Tensor:
        """Sums over positions: (B, …) → (B, *shape of γ)."""
        return values.sum_to_size(len(values), *self.numbers).reshape(len(values), *self.shape)

    def _along(self, directions: Self, name: str) -> Tensor:
        """Gradients as directions, in a shape that broadcasts against tangents: (D, …)."""
        return directions.gradients[name].reshape(-1, *self.numbers)
