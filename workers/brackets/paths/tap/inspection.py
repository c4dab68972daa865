"""Whether the tap path can compute a model's brackets, found out by computing some.

Axes: N examples, n parameter tensors, K outputs. A tape shows what the forward pass did. What it cannot show, such as
values that are changed through a view, is found by comparing with the generic path on two examples.
"""

import torch
from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.tap.layer import Untappable
from workers.brackets.paths.tap.path import Tap

TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-9}
"""Of norms, relative to those of the products H_y g_x whose difference a bracket is: rounding is far below it."""


def unsupported(functional: Functional, inputs: Tensor, targets: Tensor) -> list[str]:
    """Why this path cannot be used, with the names of parameters; nothing if it can.

    Args:
        functional: The model at a checkpoint.
        inputs: Two examples or more, of which two are used: (N, *input_shape).
        targets: (N, K).
    """
    inputs, targets = inputs[:2], targets[:2]
    path = Tap(functional)
    try:
        found = path.first_order(inputs, targets)
    except Untappable as refusal:
        return list(refusal.reasons)
    if _coupled(functional, inputs):
        return ["the logits of an example depend on the other examples of its batch"]
    generic = Generic(functional)
    expected = generic.first_order(inputs, targets)
    tolerance = TOLERANCE[found.tape.logits.dtype]
    squares = expected.squares()
    alike = _alike(found.squares().sqrt(), squares.sqrt(), tolerance * squares.sum(1, keepdim=True).sqrt())
    if alike:
        mine, other = (
            _norms(block) for block in (path.pairs(found, None, Wanted()), generic.pairs(expected, None, Wanted()))
        )
        alike = _alike(mine, other, tolerance * other[:, -2:].sum(1, keepdim=True))
    return [] if alike else ["its derivatives do not follow from what PyTorch shows of the forward pass"]


def _coupled(functional: Functional, inputs: Tensor) -> bool:
    with torch.no_grad():
        together = functional.logits(functional.parameters, inputs)
        apart = torch.cat([functional.logits(functional.parameters, example[None]) for example in inputs])
    return not _alike(together, apart, TOLERANCE[apart.dtype] * apart.abs().amax())


def _norms(block: PairBlock) -> Tensor:
    """‖b‖ of every tensor, ‖H_y g_x‖ and ‖H_x g_y‖: (1, n + 2)."""
    return torch.column_stack([block.sums.squares, block.sums.square_xy, block.sums.square_yx]).sqrt()


def _alike(found: Tensor, expected: Tensor, within: Tensor) -> bool:
    """Whether two tensors differ by so little; where the second or the limit is not finite, nothing can be said."""
    unknown = ~(expected.isfinite() & within.isfinite())
    return bool((((found - expected).abs() <= within) | unknown).all())
