"""Logit perturbations J_t b of many brackets at once.

Axes: p brackets, T test examples, K outputs, P parameters. Two ways: J_t u as a tangent pass for each bracket, or the
rows of J_t formed once for all brackets of a block and multiplied as matrices, p × P times P × T·K. A tangent pass
costs about 2 F multiplications per bracket and test example, F being those of a forward pass; the rows cost 2 K F per
test example and then K P per bracket. Where weights are used at many positions F is much larger than P.
"""

import torch
from torch import Tensor
from torch.func import jacrev, vmap

from workers.brackets.functional import Functional, Tensors
from workers.brackets.products import logit_perturbations

ROW_BYTES = 2**28
"""What the rows of J of a few test examples may take."""


def perturbations(functional: Functional, inputs: Tensor, brackets: Tensors, forward: int) -> Tensor:
    """J_t b of p brackets, (p, T, K). No power of the learning rate is included.

    Args:
        functional: The model at the checkpoint.
        inputs: Test examples, (T, *input_shape).
        brackets: (p, *shape) by parameter.
        forward: F, multiplications of a forward pass on one example.
    """
    flat = {name: bracket.flatten(1) for name, bracket in brackets.items()}
    p, P = len(next(iter(flat.values()))), sum(bracket.shape[1] for bracket in flat.values())
    with torch.no_grad():
        K = functional.logits(functional.parameters, inputs[:1]).shape[1]
    if K * (2 * forward + p * P) >= 2 * p * forward:
        return logit_perturbations(functional, inputs, brackets)

    def logits(parameters: Tensors, example: Tensor) -> Tensor:
        return functional.logits(parameters, example.unsqueeze(0)).squeeze(0)

    some = max(1, ROW_BYTES // (K * P * next(iter(flat.values())).element_size()))
    moved = []
    for part in torch.split(inputs, some):
        rows: Tensors = vmap(jacrev(logits), in_dims=(None, 0))(functional.parameters, part)
        products = [bracket @ rows[name].flatten(2).flatten(0, 1).mT for name, bracket in flat.items()]
        moved.append(torch.stack(products).sum(0).view(p, len(part), K))
    return torch.cat(moved, dim=1)
