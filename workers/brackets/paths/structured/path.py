"""The structured path: brackets of multilayer perceptrons, 8 Σ_(l≥2) d_l d_(l−1) flops per unordered pair."""

from dataclasses import dataclass, field
from typing import Literal, Self

import torch
from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.reductions import GaussNewtonSums, PairSums
from workers.brackets.paths.structured.block import Block
from workers.brackets.paths.structured.logits import Tests, make_tests, perturbations
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import State, first_order
from workers.brackets.paths.structured.sums import GridSums
from workers.brackets.paths.structured.whole import restore_cancelled, whole_brackets
from workers.brackets.paths.structured.workspace import Workspace


@dataclass(frozen=True)
class Structured:
    """Brackets of a network that `unsupported` has nothing against.

    Attributes:
        functional: The model at the checkpoint.
        network: Its layers.
        workspace: Where blocks are computed.
    """

    functional: Functional
    network: Network
    workspace: Workspace = field(default_factory=Workspace, repr=False, compare=False)
    name: Literal["structured"] = field(default="structured", init=False)

    @classmethod
    def of(cls, functional: Functional) -> Self:
        """The path for a functional."""
        return cls(functional, Network.of(functional))

    def double(self) -> "Structured":
        """The same path at the same point in float64."""
        return Structured.of(self.functional.double())

    @torch.no_grad()
    def first_order(self, inputs: Tensor, targets: Tensor) -> State:
        """Activations, deltas and losses: about 5 Σ d_l numbers per example."""
        return first_order(self.network, self.functional.loss, inputs, targets)

    @torch.no_grad()
    def tests(self, inputs: Tensor) -> Tests:
        """Activations and what comes back from every logit: about (K + 1) Σ d_l numbers per test example."""
        return make_tests(self.network, inputs)

    @torch.no_grad()
    def pairs(self, left: State, right: State | None, wanted: Wanted) -> PairBlock:
        """All brackets of a block, over a grid of m_left · m_right pairs, or of m_left² without `right`.

        Each place of the grid takes item · (5 Σ_hidden d_l + K) + 24 max d_l bytes, 2 Σ_hidden d_l numbers more for
        Gauss–Newton parts, and 4 · item · T · K bytes for logits.
        """
        block = Block.of(self.functional.loss, left, right, wanted.gauss_newton, self.workspace)
        rows, columns = block.places()
        sums = block.sums()
        restore_cancelled(block, sums)
        moved, kept = list(wanted.moved), list(wanted.kept)
        return PairBlock(
            sums=_pair_sums(sums, self.network, rows, columns),
            gauss_newton=_shares(sums, self.network, rows, columns) if wanted.gauss_newton else None,
            logits=perturbations(block, wanted.tests, rows[moved], columns[moved]) if moved else None,
            brackets=whole_brackets(block, rows[kept], columns[kept]) if kept else [],
        )


def _pair_sums(sums: GridSums, network: Network, rows: Tensor, columns: Tensor) -> PairSums:
    totals = (sums.dot_x, sums.dot_y, sums.gradient_dot, sums.square_xy, sums.square_yx)
    squares = torch.stack([sums.squares[name] for name in network.names], dim=2)
    return PairSums(squares[rows, columns], *(total[rows, columns] for total in totals))


def _shares(sums: GridSums, network: Network, rows: Tensor, columns: Tensor) -> GaussNewtonSums:
    squares = torch.stack([sums.share_squares[name] for name in network.names], dim=2)
    return GaussNewtonSums(squares[rows, columns], sums.share_dot[rows, columns])
