"""The tap path: brackets from inputs and output cotangents of layers, without a gradient's worth of work per pair.

Axes: m examples of a state, p pairs of a block, n parameter tensors, T test examples, K outputs.
"""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from workers.brackets.functional import Functional, plain_attention
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.tap.block import Block
from workers.brackets.paths.tap.logits import TestTaps, perturbations, test_taps_of
from workers.brackets.paths.tap.state import Taps, taps_of
from workers.brackets.paths.tap.sweep import sweep


@dataclass(frozen=True)
class Tap:
    """For models made of known layers, each used once, and of operations without parameters.

    Attributes:
        functional: The model at the checkpoint.
    """

    functional: Functional
    name: Literal["tap"] = field(default="tap", init=False)

    def double(self) -> "Tap":
        """The same path at the same point in float64."""
        return Tap(self.functional.double())

    def first_order(self, inputs: Tensor, targets: Tensor) -> Taps:
        """Losses and taps.

        Raises:
            Untappable: the model is not made as this path needs it; `unsupported` says so beforehand.
        """
        return taps_of(self.functional, inputs, targets)

    def tests(self, inputs: Tensor) -> TestTaps:
        """Taps of test examples."""
        return test_taps_of(self.functional, inputs)

    def pairs(self, left: Taps, right: Taps | None, wanted: Wanted) -> PairBlock:
        """All brackets of a block. Tangents of all pairs are held for the whole pass, products layer by layer."""
        diagonal = right is None
        columns = left if right is None else right
        block = Block(len(left), len(columns), diagonal, self.functional.parameters, wanted)
        with plain_attention():
            forth = sweep(columns, left, wanted.gauss_newton)
            if diagonal:
                for flow in forth:
                    block.add(flow, flow)
            else:
                for xy, yx in zip(forth, sweep(left, columns, wanted.gauss_newton), strict=True):
                    block.add(xy, yx)
        ranks = {place: rank for rank, place in enumerate(block.chosen)}
        logits = None
        if wanted.moved:
            moved = [ranks[place] for place in wanted.moved]
            brackets = {name: bracket[moved] for name, bracket in block.brackets.items()}
            with plain_attention():
                logits = perturbations(wanted.tests, brackets)
        return PairBlock(
            sums=block.sums,
            gauss_newton=block.shares,
            logits=logits,
            brackets=[
                {name: bracket[ranks[place]].clone() for name, bracket in block.brackets.items()}
                for place in wanted.kept
            ],
        )
