"""Linear layers and convolutions: z_t = W a_t + b at T positions, a_t being the inputs that position t sees.

Axes: as in `layer`; T positions, c_out × q the shape of W as a matrix: q = c_in, times k² for a convolution.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.brackets.tap.layer import Columns, Flow, Through

Role = Callable[[Tensor | None], str | None]
"""The name of a parameter; None for what is absent or held fixed."""

GRAM_SHARE = 0.7
"""W stays factored where the products of its columns cost less than this share of whole weight gradients."""


class Matrix(Columns, Through):
    """A linear layer or a convolution at a batch, with W held fixed or not, and b held fixed, absent or neither.

    Attributes:
        weight: W, (c_out, …).
        patches: a, (M, T, q).
    """

    def __init__(self, role: Role, weight: Tensor, bias: Tensor | None, patches: Tensor) -> None:
        self.weight = weight
        self.patches = patches
        self.weight_name, self.bias_name = role(weight), role(bias)
        self.names = tuple(name for name in (self.weight_name, self.bias_name) if name is not None)
        T, q = patches.shape[1:]
        c_out = weight.shape[0]
        if 4 * T * (c_out + q) < GRAM_SHARE * c_out * q:
            self.factored = self.weight_name
        self.whole_name = None if self.factored else self.weight_name

    @abstractmethod
    def applied(self, inputs: Tensor) -> Tensor:
        """W a: (B, …) → (B, …)."""

    @abstractmethod
    def arranged(self, columns: Tensor) -> Tensor:
        """Columns (B, T, c_out) as outputs (B, …): the inverse of `u_of`."""

    @abstractmethod
    def spread(self, patches: Tensor) -> Tensor:
        """The transpose of `v_of`: (B, T, q) → (B, …)."""

    @abstractmethod
    def pulled(self, weights: Tensor) -> Tensor:
        """G_xᵀ δ_y for weights G (D, c_out, …): (M, D, …)."""

    @property
    def v(self) -> Tensor:
        """a, (M, T, q)."""
        return self.patches

    @property
    def nbytes(self) -> int:
        """Of patches, δ and gradients."""
        return self.patches.nbytes + self.u.nbytes + sum(gradient.nbytes for gradient in self.gradients.values())

    def settle(self, delta: Tensor) -> None:
        """g_W = Σ_t δ_t ⊗ a_t, unless it stays factored, and g_b = Σ_t δ_t."""
        self.u = self.u_of(delta)
        self.gradients = {}
        if self.whole_name is not None:
            self.gradients[self.whole_name] = self.whole(self.u, self.patches)
        if self.bias_name is not None:
            self.gradients[self.bias_name] = self.u.sum(1)

    def push(self, directions: Self, tangent: Tensor | None) -> Tensor:
        """W da + G_x a_y + g_b, with G_x a_y = Σ_s δ_xs (a_xs · a_y)."""
        M, D = len(self.patches), len(directions.patches)
        source = torch.zeros(1, 1, 1, 1, dtype=self.u.dtype, device=self.u.device)
        if self.factored is not None:
            source = torch.einsum("mtq,dsq->mdts", self.patches, directions.patches) @ directions.u
        elif self.weight_name is not None:
            rows = directions.gradients[self.weight_name].reshape(-1, self.patches.shape[-1])
            source = (self.patches @ rows.T).unflatten(-1, (D, -1)).transpose(1, 2)
        if self.bias_name is not None:
            source = source + directions.gradients[self.bias_name].unsqueeze(1)
        dz = self.arranged(source.expand(M, D, *self.u.shape[1:]).flatten(0, 1))
        if tangent is not None:
            dz = dz + self.applied(tangent.flatten(0, 1))
        return dz.unflatten(0, (M, D))

    def pull(self, directions: Self, ddelta: Tensor) -> Tensor:
        """Wᵀ dδ + G_xᵀ δ_y, with G_xᵀ δ_y = Σ_s a_xs (δ_xs · δ_y)."""
        M, D = ddelta.shape[:2]
        pulled = self.transposed(ddelta.flatten(0, 1)).unflatten(0, (M, D))
        if self.factored is not None:
            seen = torch.einsum("mtc,dsc->mdts", self.u, directions.u) @ directions.patches
            pulled += self.spread(seen.flatten(0, 1)).unflatten(0, (M, D))
        elif self.weight_name is not None:
            pulled += self.pulled(directions.gradients[self.weight_name])
        return pulled

    def products(self, flow: Flow, rows: slice, columns: slice, share: bool) -> Tensors:
        """dδ ⊗ a_y + δ_y ⊗ da for an unfactored W, Σ_t dδ_t for b."""
        ddelta = flow.cotangents(share)[rows, columns]
        M, D = ddelta.shape[:2]
        u = self.u_of(ddelta.flatten(0, 1))
        found = {}
        if self.whole_name is not None:
            product = self.whole(u, _repeated(self.patches[rows], D))
            if flow.tangent is not None and not share:
                seen = self.v_of(flow.tangent[rows, columns].flatten(0, 1))
                product += self.whole(_repeated(self.u[rows], D), seen)
            found[self.whole_name] = product.unflatten(0, (M, D))
        if self.bias_name is not None:
            found[self.bias_name] = u.sum(1).unflatten(0, (M, D))
        return found

    def whole(self, u: Tensor, v: Tensor) -> Tensor:
        """Σ_t u_t ⊗ v_t, (p, c_out, …)."""
        return (u.mT @ v).unflatten(-1, self.weight.shape[1:])

    def v_grams(self, a_y: Tensor, da_xy: Tensor | None, a_x: Tensor, da_yx: Tensor | None) -> Tensor:
        """Products of columns, in float64."""
        parts = [torch.zeros_like(a_y) if part is None else part for part in (a_y, da_xy, a_x, da_yx)]
        return grams(torch.stack(parts, dim=1))


def grams(columns: Tensor) -> Tensor:
    """Products of all columns (p, n, T, c) with each other, in float64: (p, n, T, n, T)."""
    n, T = columns.shape[1:3]
    flat = columns.flatten(1, 2).double()
    return (flat @ flat.mT).unflatten(1, (n, T)).unflatten(3, (n, T))


def _repeated(tensor: Tensor, D: int) -> Tensor:
    """(M, …) → (M · D, …), each D times."""
    return tensor.unsqueeze(1).expand(-1, D, *tensor.shape[1:]).flatten(0, 1)
