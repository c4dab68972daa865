"""nn.Conv2d at a batch: one group, zero padding, any kernel, stride and dilation.

Axes: h × w output positions, T = h · w; a position sees q = c_in · k² inputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workers.brackets.paths.tap.layer import Untappable
from workers.brackets.paths.tap.matrix import Matrix, Role

Pair = tuple[int, int]


class Convolution(Matrix):
    """z = W ∗ a + b on maps (M, c, height, width), which are kept channels last: the axes of q are k, k, c_in."""

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
        name = role(weight)
        if groups != 1:
            raise Untappable(f"{name!r} belongs to a convolution in {groups} groups")
        self.kernel: Pair = (weight.shape[2], weight.shape[3])
        self.stride, self.dilation = _pair(stride), _pair(dilation)
        self.padding = _padding(padding, self.kernel, self.dilation, name)
        self.shape = input.shape[1:]
        self.extent = tuple(
            (size + 2 * pad - step * (kernel - 1) - 1) // stride + 1
            for size, pad, step, kernel, stride in zip(
                input.shape[2:], self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        )
        channels_last = weight.contiguous(memory_format=torch.channels_last)
        super().__init__(name, role(bias), channels_last, self.v_of(input))

    def applied(self, inputs: Tensor) -> Tensor:
        """W ∗ a."""
        return nn.functional.conv2d(inputs, self.weight, None, self.stride, self.padding, self.dilation)

    def transposed(self, cotangents: Tensor) -> Tensor:
        """The transposed convolution."""
        return self._backwards(cotangents, self.weight)

    def u_of(self, cotangents: Tensor) -> Tensor:
        """(B, c, h, w) → (B, T, c)."""
        return cotangents.permute(0, 2, 3, 1).flatten(1, 2)

    def arranged(self, columns: Tensor) -> Tensor:
        """(B, T, c) → (B, c, h, w)."""
        return columns.view(len(columns), *self.extent, -1).permute(0, 3, 1, 2)

    def v_of(self, tangents: Tensor) -> Tensor:
        """Windows of the padded input: (B, c, height, width) → (B, T, q), channels last."""
        return self._windows(self._padded(tangents)).flatten(3).flatten(1, 2)

    def spread(self, patches: Tensor) -> Tensor:
        """Windows added up where they overlap: (B, T, q) → (B, c, height, width)."""
        c, height, width = self.shape
        top, left = self.padding
        padded = patches.new_zeros(len(patches), height + 2 * top, width + 2 * left, c)
        windows = patches.view(len(patches), *self.extent, *self.kernel, c)
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                self._windows(padded)[:, :, :, row, column] += windows[:, :, :, row, column]
        return padded[:, top : top + height, left : left + width].permute(0, 3, 1, 2)

    def shaped(self, name: str | None, entries: Tensor) -> Tensor:
        """Of W, (…, c_out, q) → (…, c_out, c_in, k, k)."""
        if name != self.weight_name:
            return entries
        return torch.unflatten(entries, -1, (*self.kernel, self.shape[0])).movedim(-1, -3)

    def entries(self, name: str, values: Tensor) -> Tensor:
        """Of W, channels last."""
        return (values.movedim(-3, -1) if name == self.weight_name else values).flatten(1)

    def pulled(self, weights: Tensor) -> Tensor:
        """δ_y through every G_x in one pass, the directions being channels: (M, D, c, height, width)."""
        stacked = self.shaped(self.weight_name, weights).transpose(0, 1).flatten(1, 2)
        pulled = self._backwards(self.arranged(self.u), stacked.contiguous(memory_format=torch.channels_last))
        return torch.unflatten(pulled, 1, (len(weights), -1))

    def _backwards(self, cotangents: Tensor, weight: Tensor) -> Tensor:
        """A transposed convolution back to the extent of the input."""
        reached = [
            (size - 1) * stride - 2 * pad + dilation * (kernel - 1) + 1
            for size, stride, pad, dilation, kernel in zip(
                self.extent, self.stride, self.padding, self.dilation, self.kernel, strict=True
            )
        ]
        rest = [size - extent for size, extent in zip(self.shape[1:], reached, strict=True)]
        return nn.functional.conv_transpose2d(
            cotangents, weight, None, self.stride, self.padding, rest, 1, self.dilation
        )

    def _padded(self, inputs: Tensor) -> Tensor:
        """Zeros around, channels last: (B, c, height, width) → (B, height + 2p, width + 2p, c)."""
        rows, columns = self.padding
        return nn.functional.pad(inputs.permute(0, 2, 3, 1), (0, 0, columns, columns, rows, rows))

    def _windows(self, padded: Tensor) -> Tensor:
        """A view of what each position sees: (B, h, w, k, k, c)."""
        batch, rows, columns, channels = padded.stride()
        (down, across), (apart, aside) = self.stride, self.dilation
        return padded.as_strided(
            (len(padded), *self.extent, *self.kernel, self.shape[0]),
            (batch, rows * down, columns * across, rows * apart, columns * aside, channels),
        )


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
