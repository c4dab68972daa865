"""Models side by side, as a stack of members that is not trained."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Stacked:
    """Parameters and buffers with a leading axis of members; each member's own forward pass gives its logits."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = [model.eval() for model in models]
        self.parameters = _stacked([dict(model.named_parameters()) for model in models])
        self.buffers = _stacked([dict(model.named_buffers()) for model in models])

    def logits(self, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.stack([model(inputs) for model in self.models])


def perturbed(make: Callable[[], nn.Module], sizes: Sequence[float], seed: int = 0) -> list[nn.Module]:
    """A model made from `seed`, and copies of it with Gaussian noise of these sizes on every parameter."""
    models = []
    for number, size in enumerate((0.0, *sizes)):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = make()
            torch.manual_seed(seed + number)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(size * torch.randn_like(parameter))
        models.append(model)
    return models


def _stacked(members: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([member[name].detach() for member in members]) for name in members[0]}
