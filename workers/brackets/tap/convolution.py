"""nn.Conv2d at a batch: one group, zero padding, any kernel, stride and dilation.

Axes: h × w output positions, T = h · w; a position sees q = c_in · k² inputs.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from workers.brackets.tap.layer import Untappable
from workers.brackets.tap.matrix import Matrix, Role

Pair = tuple[int, int]


class Convolution(Matrix):
    """z = W ∗ a + b on maps (M, c, height, width)."""

    def __init__(
        self,
        role: Role,
        input: Tensor,  # noqa: A002 (PyTorch's name)
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
    ) -> None:
        if groups != 1:
            raise Untappable(f"{role(weight)!r} belongs to a convolution in {groups} groups")
        self.kernel: Pair = (weight.shape[2], weight.shape[3])
        self.stride, self.dilation = _pair(stride), _pair(dilation)
        self.padding = _padding(padding, self.kernel, self.dilation, role(weight))
        self.shape = input.shape[1:]
        super().__init__(role, weight, bias, self.v_of(input))
        self.extent = tuple(
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                input.shape[2:], self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        )

    def applied(self, inputs: Tensor) -> Tensor:
        """W ∗ a."""
        return nn.functional.conv2d(inputs, self.weight, None, self.stride, self.padding, self.dilation)

    def transposed(self, cotangents: Tensor) -> Tensor:
        """The transposed convolution."""
        return self._backwards(self.weight, cotangents)

    def u_of(self, cotangents: Tensor) -> Tensor:
        """(B, c, h, w) → (B, T, c)."""
        return cotangents.flatten(2).mT

    def v_of(self, tangents: Tensor) -> Tensor:
        """Windows of the padded input: (B, c, height, width) → (B, T, q)."""
        return nn.functional.unfold(tangents, self.kernel, self.dilation, self.padding, self.stride).mT

    def arranged(self, columns: Tensor) -> Tensor:
        """(B, T, c) → (B, c, h, w)."""
        return columns.mT.unflatten(2, self.extent)

    def spread(self, patches: Tensor) -> Tensor:
        """Windows added up where they overlap: (B, T, q) → (B, c, height, width)."""
        return nn.functional.fold(
            patches.mT, self.shape[1:], self.kernel, self.dilation, self.padding, self.stride
        )

    def pulled(self, weights: Tensor) -> Tensor:
        """δ_y through every G_x in one pass, the directions being channels: (M, D, c, height, width)."""
        D = len(weights)
        stacked = weights.transpose(0, 1).flatten(1, 2)
        return self._backwards(stacked, self.arranged(self.u)).unflatten(1, (D, -1))

    def _backwards(self, weight: Tensor, cotangents: Tensor) -> Tensor:
        size = (len(cotangents), weight.shape[1], *self.shape[1:])
        return conv2d_input(size, weight, cotangents, self.stride, self.padding, self.dilation)


def _pair(value: int | Sequence[int]) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _padding(padding: str | int | Sequence[int], kernel: Pair, dilation: Pair, name: str | None) -> Pair:
    """Zeros on each side.

    Raises:
        Untappable: "same" padding would need more of them on one side.
    """
    if not isinstance(padding, str):
        return _pair(padding)
    if padding == "valid":
        return 0, 0
    reach = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
    if any(extent % 2 for extent in reach):
        raise Untappable(f"{name!r} belongs to a convolution whose 'same' padding is uneven")
    return reach[0] // 2, reach[1] // 2
