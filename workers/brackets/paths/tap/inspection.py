"""Whether the tap path can compute a model's brackets, found out by computing some.

Axes: N examples, n parameter tensors, K outputs. A tape shows what the forward pass did. What it cannot show, such as
values that are changed through a view, is found by comparing with the generic path on three examples.
"""

import torch
from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.tap.layer import Untappable
from workers.brackets.paths.tap.path import Tap
from workers.memory import is_memory_fault

TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-9}
"""Of norms, relative to those of the products H_y g_x whose difference a bracket is: rounding is far below it."""


def unsupported(functional: Functional, inputs: Tensor, targets: Tensor) -> list[str]:
    """Why this path cannot be used, with the names of parameters; nothing if it can.

    Args:
        functional: The model at a checkpoint.
        inputs: Two examples or more, of which three are used, (N, *input_shape): pairs of two of them with the third
            make a block with rows and columns of different lengths, and a batch of one example.
        targets: (N, K).
    """
    rows = max(1, len(inputs[:3]) - 1)
    left, right = (inputs[:rows], targets[:rows]), (inputs[rows:3], targets[rows:3])
    path = Tap(functional)
    try:
        found = path.first_order(*left), path.first_order(*right)
        block = path.pairs(*found, Wanted())
    except Untappable as refusal:
        return list(refusal.reasons)
    except (RuntimeError, ValueError, IndexError) as error:
        if is_memory_fault(error):
            raise
        return [f"an operation in its forward pass fails here: {str(error).strip().splitlines()[0]}"]
    if _coupled(functional, inputs[:3]):
        return ["the logits of an example depend on the other examples of its batch"]
    generic = Generic(functional)
    expected = generic.first_order(*left), generic.first_order(*right)
    tolerance = TOLERANCE[found[0].tape.logits.dtype]
    squares, other_squares = (torch.cat([state.squares() for state in states]) for states in (found, expected))
    lengths = other_squares.sum(1, keepdim=True).sqrt()
    alike = _alike(squares.sqrt(), other_squares.sqrt(), tolerance * lengths)
    if alike:
        mine, other = (
            _numbers(part, lengths[:rows], lengths[rows:]) for part in (block, generic.pairs(*expected, Wanted()))
        )
        alike = _alike(mine, other, tolerance * other[:, -2:].sum(1, keepdim=True))
    return [] if alike else ["its derivatives do not follow from what PyTorch shows of the forward pass"]


def _coupled(functional: Functional, inputs: Tensor) -> bool:
    with torch.no_grad():
        together = functional.logits(functional.parameters, inputs)
        apart = torch.cat([functional.logits(functional.parameters, example[None]) for example in inputs])
    return together.shape != apart.shape or not _alike(together, apart, TOLERANCE[apart.dtype] * apart.abs().amax())


def _numbers(block: PairBlock, left: Tensor, right: Tensor) -> Tensor:
    """‖b‖ of every tensor, b·g_x/‖g_x‖, b·g_y/‖g_y‖, ‖H_y g_x‖ and ‖H_x g_y‖ of all pairs: (p, n + 4).

    Args:
        block: The pairs.
        left: ‖g_x‖, (rows, 1).
        right: ‖g_y‖, (columns, 1).
    """
    sums = block.sums
    along = [sums.dot_x / left.repeat_interleave(len(right)), sums.dot_y / right.flatten().repeat(len(left))]
    return torch.column_stack([sums.squares.sqrt(), *along, sums.square_xy.sqrt(), sums.square_yx.sqrt()])


def _alike(found: Tensor, expected: Tensor, within: Tensor) -> bool:
    """Whether two tensors differ by so little; where the second or the limit is not finite, nothing can be said."""
    unknown = ~(expected.isfinite() & within.isfinite())
    return bool((((found - expected).abs() <= within) | unknown).all())
