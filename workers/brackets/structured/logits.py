"""Logit perturbations of pairs by what comes back from the test examples' logits.

With δ_tk,l = ∂z_tk/∂z_l at the test example t, the k-th logit of t moves along the bracket [v_x, v_y] by

    Δz_tk = Σ_l (δ_tk·u_xy)(a_y·a_t + 1) + (δ_tk·δ_y)(v_xy·a_t) − (δ_tk·u_yx)(a_x·a_t + 1) − (δ_tk·δ_x)(v_yx·a_t).

Only u and v belong to pairs; the other factors belong to an example and a test example. No lr² is included.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.structured.block import Block
from workers.brackets.structured.network import Network


@dataclass(frozen=True)
class Tests:
    """T test examples.

    Attributes:
        activations: a_0 … a_(L−1) of every test example, (T, d_l).
        deltas: δ_tk,l for l = 1 … L, (T·K, d_l).
    """

    activations: tuple[Tensor, ...]
    deltas: tuple[Tensor, ...]


def make_tests(network: Network, inputs: Tensor) -> Tests:
    """Of test inputs (T, *input_shape)."""
    activations, jets, z = network.forward(inputs)
    T, K = z.shape
    deltas = [torch.eye(K, dtype=z.dtype, device=z.device).expand(T, K, K)]
    for layer, jet in zip(network.layers[:0:-1], jets[::-1], strict=True):
        deltas.insert(0, jet.first.unsqueeze(1) * (deltas[0] @ layer.weight))
    return Tests(activations, tuple(delta.flatten(0, 1) for delta in deltas))


def perturbations(block: Block, tests: Tests, rows: Tensor, columns: Tensor) -> Tensor:
    """J_t [v_a, v_b] of the pairs at these places of the grid, (p, T, K), in the network's dtype."""
    network, x, y = block.network, block.x, block.y
    T, K = len(tests.activations[0]), x.logits.shape[1]
    moved = torch.zeros(len(rows), T, K, dtype=network.dtype, device=rows.device)
    for place, layer in enumerate(network.layers):
        a, delta = tests.activations[place], tests.deltas[place]
        pair = block.tangents_at(place, rows, columns)
        for u, state, members, sign in ((pair.u_xy, y, columns, 1), (pair.u_yx, x, rows, -1)):
            overlap = layer.overlap(state.activations[place] @ a.T)[members].unsqueeze(2)
            moved.addcmul_((u.to(network.dtype) @ delta.T).view(-1, T, K), overlap, value=sign)
        if layer.weight_name is None or pair.v_xy is None or pair.v_yx is None:
            continue
        for v, state, members, sign in ((pair.v_xy, y, columns, 1), (pair.v_yx, x, rows, -1)):
            back = (state.deltas[place].to(network.dtype) @ delta.T).view(-1, T, K)[members]
            moved.addcmul_(back, (v @ a.T).unsqueeze(2), value=sign)
    return moved
