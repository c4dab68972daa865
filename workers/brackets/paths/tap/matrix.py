"""Linear layers and convolutions: z_t = W a_t + b at T positions, a_t being the inputs that position t sees.

Axes: as in `layer`; T positions, c_out × q the shape of W as a matrix: q = c_in, times k² for a convolution.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from workers.brackets.paths.tap.layer import Columns, Flow, Through

Role = Callable[[Tensor | None], str | None]
"""The name of a parameter; None for what is absent or held fixed."""

GRAM_SHARE = 0.7
"""W stays factored where the products of its columns cost less than this share of whole weight gradients."""


class Matrix(Columns, Through):
    """A linear layer or a convolution at a batch, with W held fixed or not, and b held fixed, absent or neither.

    Gradients and products of W are matrices (c_out, q); `shaped` gives them the shape of the parameter.

    Attributes:
        weight: W, (c_out, …).
        patches: a, (M, T, q).
    """

    def __init__(self, weight_name: str | None, bias_name: str | None, weight: Tensor, patches: Tensor) -> None:
        self.weight, self.patches = weight, patches
        self.weight_name, self.bias_name = weight_name, bias_name
        self.names = tuple(name for name in (weight_name, bias_name) if name is not None)
        T, q = patches.shape[1:]
        c_out = weight.shape[0]
        if 4 * T * (c_out + q) < GRAM_SHARE * c_out * q:
            self.factored = weight_name
        self.whole_name = None if self.factored else weight_name

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
        """G_xᵀ δ_y for matrices G (D, c_out, q): (M, D, …)."""

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
            self.gradients[self.whole_name] = self.u.mT @ self.patches
        if self.bias_name is not None:
            self.gradients[self.bias_name] = self.u.sum(1)

    def push(self, directions: Self, tangent: Tensor | None) -> Tensor:
        """W da + G_x a_y + g_b, with G_x a_y = Σ_s δ_xs (a_xs · a_y)."""
        M, D = len(self.patches), len(directions.patches)
        if tangent is None:
            columns = self.u.new_zeros(M, D, *self.u.shape[1:])
        else:
            columns = torch.unflatten(self.u_of(self.applied(tangent.flatten(0, 1))), 0, (M, D))
        if self.factored is not None:
            near = torch.einsum("mtq,dsq->mdts", self.patches, directions.patches)
            columns.flatten(0, 1).baddbmm_(near.flatten(0, 1), _repeated(directions.u, M))
        elif self.weight_name is not None:
            weights = directions.gradients[self.weight_name].mT
            for column, patches in zip(columns, self.patches, strict=True):
                column.baddbmm_(patches.expand(D, *patches.shape), weights)
        if self.bias_name is not None:
            columns += directions.gradients[self.bias_name].unsqueeze(1)
        return torch.unflatten(self.arranged(columns.flatten(0, 1)), 0, (M, D))

    def pull(self, directions: Self, ddelta: Tensor) -> Tensor:
        """Wᵀ dδ + G_xᵀ δ_y, with G_xᵀ δ_y = Σ_s a_xs (δ_xs · δ_y)."""
        M, D = ddelta.shape[:2]
        pulled = torch.unflatten(self.transposed(ddelta.flatten(0, 1)), 0, (M, D))
        if self.factored is not None:
            seen = torch.einsum("mtc,dsc->mdts", self.u, directions.u) @ directions.patches
            pulled += torch.unflatten(self.spread(seen.flatten(0, 1)), 0, (M, D))
        elif self.weight_name is not None:
            pulled += self.pulled(directions.gradients[self.weight_name])
        return pulled

    def product(self, name: str, flow: Flow, rows: slice, columns: slice, share: bool) -> Tensor:
        """dδ ⊗ a_y + δ_y ⊗ da for W, Σ_t dδ_t for b."""
        ddelta = flow.cotangents(share)[rows, columns]
        pairs = ddelta.shape[:2]
        u = torch.unflatten(self.u_of(ddelta.flatten(0, 1)), 0, pairs)
        if name == self.bias_name:
            return u.sum(2)
        product = u.new_empty(*pairs, u.shape[-1], self.patches.shape[-1])
        # One batched product per row: broadcasting over both axes of pairs would copy what is shared.
        for row, of_pairs, patches in zip(product, u.mT, self.patches[rows], strict=True):
            torch.bmm(of_pairs, patches.expand(pairs[1], *patches.shape), out=row)
        if flow.tangent is not None and not share:
            seen = torch.unflatten(self.v_of(flow.tangent[rows, columns].flatten(0, 1)), 0, pairs)
            for row, of_y, of_pairs in zip(product, self.u[rows].mT, seen, strict=True):
                row.baddbmm_(of_y.expand(pairs[1], *of_y.shape), of_pairs)
        return product

    def whole(self, u: Tensor, v: Tensor) -> Tensor:
        """Σ_t u_t ⊗ v_t, (p, c_out, …)."""
        return self.shaped(self.weight_name, u.mT @ v)

    def applied_columns(self, entries: Tensor) -> Tensor:
        """One product of matrices for all p and M."""
        M, T, q = self.patches.shape
        products = entries.view(-1, q) @ self.patches.view(-1, q).mT
        return products.view(len(entries), -1, M, T).permute(0, 2, 3, 1)

    def v_grams(self, a_y: Tensor, da_xy: Tensor | None, a_x: Tensor, da_yx: Tensor | None) -> Tensor:
        """Products of columns, in float64."""
        parts = [torch.zeros_like(a_y) if part is None else part for part in (a_y, da_xy, a_x, da_yx)]
        return grams(torch.stack(parts, dim=1))


def grams(columns: Tensor) -> Tensor:
    """Products of all columns (p, n, T, c) with each other, in float64: (p, n, T, n, T)."""
    n, T = columns.shape[1:3]
    flat = columns.flatten(1, 2).double()
    return (flat @ flat.mT).view(len(flat), n, T, n, T)


def _repeated(tensor: Tensor, M: int) -> Tensor:
    """(D, …) → (M · D, …), M times over."""
    return tensor.expand(M, *tensor.shape).flatten(0, 1)
