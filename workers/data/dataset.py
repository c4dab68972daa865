"""A dataset in memory.

Axes: N examples of a split, K labels.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.data.pixels import Pixels
from workers.errors import UserFault


@dataclass(frozen=True)
class Split:
    """Examples in order.

    Attributes:
        inputs: (N, *input_shape), floating point, or pixels that become so when indexed; of a text dataset (N, L)
            int64 token ids.
        labels: (N,) int64 class labels, or (N, K) floating point independent labels in [0, 1].
    """

    inputs: Tensor | Pixels
    labels: Tensor

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Dataset:
    """A train and a test split with the same input shape and labels.

    Attributes:
        train: Training examples.
        test: Test examples.
        label_names: K names.
        normalisation: How the stored values became inputs, in words and numbers; kept with every result.
        vocabulary: Number of token ids of a text dataset, 0 (padding) included; None where inputs are not text.
    """

    train: Split
    test: Split
    label_names: tuple[str, ...]
    normalisation: str
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        for name, split in (("train", self.train), ("test", self.test)):
            self._check(name, split)
        if self.train.inputs.shape[1:] != self.test.inputs.shape[1:]:
            raise UserFault(
                f"both splits must have inputs of one shape, the train inputs have {self.input_shape}, "
                f"the test inputs {tuple(self.test.inputs.shape[1:])}"
            )
        if self.train.labels.dim() != self.test.labels.dim():
            raise UserFault("one split has class labels and the other independent labels: both must be of one kind")

    def _check(self, name: str, split: Split) -> None:
        inputs, labels = split.inputs, split.labels
        numbers = "floating-point" if self.vocabulary is None else "int64"
        right_type = inputs.dtype.is_floating_point if self.vocabulary is None else inputs.dtype == torch.int64
        if not right_type or len(inputs) == 0 or len(inputs) != len(labels):
            raise UserFault(
                f"the {name} split needs as many labels as {numbers} inputs and at least one, came "
                f"{len(inputs)} inputs of {inputs.dtype} and {len(labels)} labels"
            )
        self._check_tokens(name, inputs)
        K = len(self.label_names)
        if labels.dim() == 1 and labels.dtype == torch.int64:
            if int(labels.min()) < 0 or int(labels.max()) >= K:
                raise UserFault(
                    f"class labels must lie in 0 … {K - 1}, the {name} split has "
                    f"{int(labels.min())} … {int(labels.max())}"
                )
        elif labels.shape[1:] != (K,) or not labels.is_floating_point():
            raise UserFault(
                f"labels are (N,) int64 classes or (N, {K}) floating-point independent labels, the {name} split has "
                f"{tuple(labels.shape)} of {labels.dtype}"
            )

    def _check_tokens(self, name: str, inputs: Tensor | Pixels) -> None:
        if self.vocabulary is None or isinstance(inputs, Pixels):
            return
        if inputs.dim() != 2:
            raise UserFault(f"texts are (N, L) token ids, the {name} split has {tuple(inputs.shape)}")
        if inputs.numel() and not 0 <= int(inputs.min()) <= int(inputs.max()) < self.vocabulary:
            raise UserFault(
                f"token ids must lie in 0 … {self.vocabulary - 1}, the {name} split has "
                f"{int(inputs.min())} … {int(inputs.max())}"
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def independent(self) -> bool:
        """Whether the K labels are independent of one another, rather than one class per example."""
        return self.train.labels.dim() == 2

    def to(self, device: torch.device, dtype: torch.dtype) -> "Dataset":
        """The dataset on `device` with inputs (and independent labels) of type `dtype`; token ids keep theirs."""

        def moved(split: Split) -> Split:
            labels = split.labels.to(device, dtype) if self.independent else split.labels.to(device)
            inputs = split.inputs.to(device, torch.int64 if self.vocabulary else dtype)
            return Split(inputs, labels)

        return replace(self, train=moved(self.train), test=moved(self.test))
