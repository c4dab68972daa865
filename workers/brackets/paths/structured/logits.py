"""Logit perturbations of pairs by what comes back from the test examples' logits.

With δ_tk,l = ∂z_tk/∂z_l at the test example t, the k-th logit of t moves along the bracket [v_x, v_y] by

    Δz_tk = Σ_l (δ_tk·u_xy)(a_y·a_t + 1) + (δ_tk·δ_y)(v_xy·a_t) − (δ_tk·u_yx)(a_x·a_t + 1) − (δ_tk·δ_x)(v_yx·a_t).

Only u and v belong to pairs; the other factors belong to an example and a test example. No lr² is included.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.paths.structured.block import Block
from workers.brackets.paths.structured.network import Network

NUMBERS = 2**22
"""Logits that are perturbed at a time: bounds what is held beside the result; part of its bits, so it is fixed."""


@dataclass(frozen=True)
class Tests:
    """T test examples.

    Both are kept transposed: products with rows in memory order are 6 % faster.

    Attributes:
        outputs: K.
        activations: a_0 … a_(L−1), (d_l, T).
        deltas: δ_tk,l for l = 1 … L − 1, (d_l, K·T); δ_tk,L is the k-th unit vector.
    """

    outputs: int
    activations: tuple[Tensor, ...]
    deltas: tuple[Tensor, ...]


def make_tests(network: Network, inputs: Tensor) -> Tests:
    """Of test inputs (T, *input_shape)."""
    activations, jets, z = network.forward(inputs)
    T, K = z.shape
    deltas: list[Tensor] = []
    back = torch.eye(K, dtype=z.dtype, device=z.device).unsqueeze(1).expand(K, T, K)
    for layer, jet in zip(network.layers[:0:-1], jets[::-1], strict=True):
        back = jet.first * (back @ layer.weight)
        deltas.insert(0, back)
    return Tests(
        outputs=K,
        activations=tuple(a.T.contiguous() for a in activations),
        deltas=tuple(delta.flatten(0, 1).T.contiguous() for delta in deltas),
    )


def perturbations(block: Block, tests: Tests, rows: Tensor, columns: Tensor) -> Tensor:
    """J_t [v_a, v_b] of the pairs at these places of the grid, (p, T, K), in the network's dtype."""
    K, T = tests.outputs, tests.activations[0].shape[1]
    moved = torch.empty(len(rows), T, K, dtype=block.network.dtype, device=rows.device)
    height = max(1, NUMBERS // (K * T))
    for start in range(0, len(rows), height):
        part = slice(start, start + height)
        moved[part] = _transposed(block, tests, rows[part], columns[part]).mT
    return moved


def _transposed(block: Block, tests: Tests, rows: Tensor, columns: Tensor) -> Tensor:
    """The same as (p, K, T): what is common to all logits of a test example varies along a row of memory."""
    network, x, y = block.network, block.x, block.y
    p, K, T = len(rows), tests.outputs, tests.activations[0].shape[1]

    def room(name: str, *shape: int) -> Tensor:
        return block.workspace.room(name, shape, network.dtype, rows.device)

    def back(vectors: Tensor, place: int, name: str) -> Tensor:
        """δ_tk of every vector (…, d_l): (…, K, T), or (…, K, 1) where it is the same for all t."""
        if place == len(tests.deltas):
            return vectors.to(network.dtype).unsqueeze(2)
        products = torch.mm(vectors, tests.deltas[place], out=room(name, len(vectors), K * T))
        return products.view(-1, K, T)

    moved = room("moved", p, K, T).zero_()
    for place, layer in enumerate(network.layers):
        a = tests.activations[place]
        pair = block.tangents_at(place, rows, columns)
        for u, v, state, members, sign in (
            (pair.u_xy, pair.v_xy, y, columns, 1),
            (pair.u_yx, pair.v_yx, x, rows, -1),
        ):
            overlaps = layer.overlap(state.activations[place] @ a)
            overlap = torch.index_select(overlaps, 0, members, out=room("overlap", p, T))
            moved.addcmul_(back(u, place, "back-of-pairs"), overlap.unsqueeze(1), value=sign)
            if layer.weight_name is not None and v is not None:
                of_examples = back(state.deltas[place], place, "back-of-examples")
                common = room("common", p, *of_examples.shape[1:])
                torch.index_select(of_examples, 0, members, out=common)
                moved.addcmul_(common, torch.mm(v, a, out=room("along-tests", p, T)).unsqueeze(1), value=sign)
    return moved
