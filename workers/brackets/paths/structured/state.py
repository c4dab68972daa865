"""First-order states of examples: activations, their derivatives, and what comes back from the loss."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.output import WHOLE_UP_TO, curvatures, slopes
from workers.losses import ExampleLoss


@dataclass(frozen=True)
class State:
    """m examples; nothing has the size of the parameters.

    Attributes:
        network: The network that they went through.
        losses: L_x, (m,), in the network's dtype.
        activations: a_0 … a_(L−1), (m, d_l).
        slopes: φ′(z_l) for l = 1 … L − 1, (m, d_l).
        bends: c_l = φ″(z_l)·(W_(l+1)ᵀ δ_(l+1)) for l = 1 … L − 1, (m, d_l); None where φ″ vanishes.
        deltas: δ_1 … δ_L, (m, d_l); the last in float64.
        logits: z_L in float64, (m, K).
        targets: In float64, (m, K).
        curvatures: S = ∂²L/∂z_L² in float64, (m, K, K); None if K is too large to hold them.
    """

    network: Network
    losses: Tensor
    activations: tuple[Tensor, ...]
    slopes: tuple[Tensor, ...]
    bends: tuple[Tensor | None, ...]
    deltas: tuple[Tensor, ...]
    logits: Tensor
    targets: Tensor
    curvatures: Tensor | None

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def nbytes(self) -> int:
        """Memory that the state holds."""
        held = (getattr(self, field.name) for field in fields(self) if field.name != "network")
        tensors = (value if isinstance(value, tuple) else (value,) for value in held)
        return sum(tensor.nbytes for group in tensors for tensor in group if tensor is not None)

    def squares(self) -> Tensor:
        """‖g_x‖² of every tensor, float64 (m, n): |δ_l|² |a_(l−1)|² for W_l, |δ_l|² for b_l."""
        by_name: dict[str | None, Tensor] = {}
        for layer, activation, delta in zip(self.network.layers, self.activations, self.deltas, strict=True):
            square = delta.double().square().sum(1)
            by_name[layer.weight_name] = square * activation.double().square().sum(1)
            by_name[layer.bias_name] = square
        return torch.stack([by_name[name] for name in self.network.names], dim=1)


def first_order(network: Network, loss: ExampleLoss, inputs: Tensor, targets: Tensor) -> State:
    """The states of examples (m, *input_shape) with targets (m, K).

    Logits, losses and δ_L are float64: in float32 the rounding of softmax would show in the last bias (6.6e-5).
    """
    activations, jets, z = network.forward(inputs)
    logits, targets = z.double(), targets.double()
    deltas = [slopes(loss, logits, targets)]
    bends: list[Tensor | None] = []
    for layer, jet in zip(network.layers[:0:-1], jets[::-1], strict=True):
        back = deltas[0].to(network.dtype) @ layer.weight
        deltas.insert(0, jet.first * back)
        bends.insert(0, None if jet.second is None else jet.second * back)
    return State(
        network=network,
        losses=loss(logits, targets).to(network.dtype),
        activations=activations,
        slopes=tuple(jet.first for jet in jets),
        bends=tuple(bends),
        deltas=tuple(deltas),
        logits=logits,
        targets=targets,
        curvatures=curvatures(loss, logits, targets) if logits.shape[1] <= WHOLE_UP_TO else None,
    )
