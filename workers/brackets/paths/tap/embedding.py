"""nn.Embedding at a batch: z_t = row of the table W at token t.

Axes: as in `layer`; T tokens of an example, V rows of W, d numbers of a row. As a matrix, a_t is the unit vector of a
token: a · a' is 1 where tokens are equal, and da = 0.
"""

from typing import Self

import torch
from torch import Tensor

from workers.brackets.paths.tap.layer import Columns, Flow, Untappable
from workers.brackets.paths.tap.matrix import Role


class EmbeddingLayer(Columns):
    """A table at a batch of tokens.

    Attributes:
        weight: W, (V, d).
        tokens: (M, T); −1 at padding, whose row has no gradient.
    """

    def __init__(
        self,
        role: Role,
        input: Tensor,  # noqa: A002 (PyTorch's name)
        weight: Tensor,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> None:
        name = role(weight)
        if max_norm is not None or scale_grad_by_freq:
            raise Untappable(f"{name!r} belongs to an embedding with max_norm or scale_grad_by_freq")
        self.factored = name
        self.names = () if name is None else (name,)
        self.weight = weight
        self.shape = input.shape[1:]
        self.tokens = input.reshape(len(input), -1)
        if padding_idx is not None:
            self.tokens = self.tokens.masked_fill(self.tokens == padding_idx % len(weight), -1)

    @property
    def v(self) -> Tensor:
        """The tokens."""
        return self.tokens

    @property
    def nbytes(self) -> int:
        """Of tokens and δ."""
        return self.tokens.nbytes + self.u.nbytes

    def settle(self, delta: Tensor) -> None:
        """Keep δ."""
        self.u = self.u_of(delta)
        self.gradients = {}

    def push(self, directions: Self, tangent: Tensor | None) -> Tensor:
        """Rows of g_x at the tokens of y: Σ_s δ_xs [token s of x = token t of y]."""
        dz = _equal(self.tokens.unsqueeze(1), directions.tokens).to(self.u.dtype) @ directions.u
        return torch.unflatten(dz, 2, self.shape)

    def product(self, name: str, flow: Flow, rows: slice, columns: slice, share: bool) -> Tensor:
        """dδ of each token added to its row."""
        ddelta = flow.cotangents(share)[rows, columns]
        tokens = self.tokens[rows].unsqueeze(1).expand(*ddelta.shape[:2], -1)
        return torch.unflatten(self.whole(self.u_of(ddelta.flatten(0, 1)), tokens.flatten(0, 1)), 0, ddelta.shape[:2])

    def applied_columns(self, entries: Tensor) -> Tensor:
        """Rows at the tokens."""
        tables = entries.view(len(entries), *self.weight.shape)
        return tables[:, self.tokens.clamp(min=0)] * (self.tokens >= 0).unsqueeze(-1)

    def v_grams(self, a_y: Tensor, da_xy: Tensor | None, a_x: Tensor, da_yx: Tensor | None) -> Tensor:
        """1 where tokens are equal."""
        none = torch.full_like(a_y, -1)
        tokens = torch.stack([a_y, none, a_x, none], dim=1)
        flat = tokens.flatten(1)
        return _equal(flat, flat).double().view(*tokens.shape, *tokens.shape[1:])

    def whole(self, u: Tensor, v: Tensor) -> Tensor:
        """Each u_t added to the row of its token."""
        found = u.new_zeros(len(u), len(self.weight), u.shape[-1])
        pairs = torch.arange(len(u), device=u.device).unsqueeze(1).expand(v.shape)
        present = (v >= 0).unsqueeze(-1)
        return found.index_put((pairs, v.clamp(min=0)), u * present, accumulate=True)


def _equal(first: Tensor, second: Tensor) -> Tensor:
    """[token t of the first = token s of the second], of (…, T) and (…, S): (…, T, S)."""
    return (first.unsqueeze(-1) == second.unsqueeze(-2)) & (first >= 0).unsqueeze(-1)
