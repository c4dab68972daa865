"""nn.Linear at a batch, on (M, d) and on (M, …, d)."""

import torch
from torch import Tensor, nn

from workers.brackets.paths.tap.layer import columns
from workers.brackets.paths.tap.matrix import Matrix, Role


class LinearLayer(Matrix):
    """z = W a + b; positions are what lies between the axis of examples and the last."""

    def __init__(
        self,
        role: Role,
        input: Tensor,  # noqa: A002 (PyTorch's name)
        weight: Tensor,
        bias: Tensor | None = None,
    ) -> None:
        super().__init__(role(weight), role(bias), weight, columns(input))
        self.positions = input.shape[1:-1]

    def applied(self, inputs: Tensor) -> Tensor:
        """W a."""
        return nn.functional.linear(inputs, self.weight)

    def transposed(self, cotangents: Tensor) -> Tensor:
        """Wᵀ δ."""
        return cotangents @ self.weight

    def arranged(self, columns: Tensor) -> Tensor:
        """(B, T, c_out) → (B, …, c_out)."""
        return columns.reshape(len(columns), *self.positions, columns.shape[-1])

    def spread(self, patches: Tensor) -> Tensor:
        """(B, T, d) → (B, …, d)."""
        return self.arranged(patches)

    def pulled(self, weights: Tensor) -> Tensor:
        """δ_y G_x: (M, D, …, d)."""
        return torch.unflatten(self.arranged((self.u.unsqueeze(1) @ weights).flatten(0, 1)), 0, (-1, len(weights)))
