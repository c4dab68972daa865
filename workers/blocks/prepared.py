"""What the blocks of a bracket job share at a checkpoint, made once per process.

Axes: N chosen training examples, K outputs, T test examples.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from schemas.blocks import ObjectRef
from schemas.brackets import Brackets
from schemas.brackets import Path as PathName
from schemas.canonical import digest
from workers.blocks.checkpoints import functional_at, functional_key, targets_of
from workers.blocks.chosen import Chosen
from workers.brackets.functional import Functional
from workers.brackets.paths.choose import Chosen as Choice
from workers.brackets.paths.choose import choose
from workers.brackets.paths.path import BracketPath, FirstOrder
from workers.context import Context
from workers.data import Dataset, load
from workers.data.dataset import Split
from workers.inputs import needed
from workers.precision import torch_dtype

T = TypeVar("T")
GENERIC_BYTES = 2**30
"""Of gradients and products, where blocks were sized for a path that holds none."""
GENERIC_ARRAYS = 6
"""Arrays of P values alive per pair."""
SHOWN = 5
"""Reasons of a path that are logged."""


@dataclass(frozen=True)
class Prepared:
    """A bracket job at a checkpoint.

    Attributes:
        spec: The job's spec.
        context: The block's surroundings.
        dataset: On the context's device, in the job's type.
        chosen: Examples.
        functional: The model at the checkpoint.
        path: How brackets are computed.
        passed_over: Why faster paths were not taken, by path.
        key: Names the functional in the process's memory.
    """

    spec: Brackets
    context: Context
    dataset: Dataset
    chosen: Chosen
    functional: Functional
    path: BracketPath[Any, Any]
    passed_over: Mapping[PathName, Sequence[str]]
    key: tuple[Hashable, ...]

    @property
    def names(self) -> list[str]:
        """Parameter tensors in the model's order."""
        return list(self.functional.parameters)

    @property
    def sizes(self) -> list[int]:
        """Number of elements of each parameter tensor."""
        return [parameter.numel() for parameter in self.functional.parameters.values()]

    def pairs_at_once(self, asked: int) -> int:
        """How many pairs to hold: as many as asked for, unless the path turned out to be the one that needs most."""
        if self.path.name != "generic":
            return asked
        item = torch_dtype(self.spec.dtype).itemsize
        return max(1, min(asked, GENERIC_BYTES // (GENERIC_ARRAYS * max(1, sum(self.sizes)) * item)))

    def explain_path(self, step: int) -> None:
        """Log what made the path the generic one, if it was not asked for."""
        if self.path.name != "generic" or not self.passed_over:
            return
        reasons = "; ".join(f"{path}: {', '.join(why[:SHOWN])}" for path, why in self.passed_over.items())
        self.context.log(
            f"brackets at step {step} are taken on the generic path, the faster ones do not know the model: {reasons}"
        )

    def training(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Inputs (m, *input_shape) and targets (m, K) of training examples by train-split index."""
        return self._examples(self.dataset.train, torch.tensor(indices, dtype=torch.int64))

    def examples(self) -> tuple[Tensor, Tensor]:
        """Inputs (N, *input_shape) and targets (N, K) of the chosen training examples."""
        key = ("examples", self.key, digest(self.spec.examples))
        return self._once(key, lambda: self._examples(self.dataset.train, torch.from_numpy(self.chosen.train)))

    def state(self, span: range) -> FirstOrder:
        """First-order state of a span of positions; kept, because a row's columns are those of the next row."""

        def make() -> FirstOrder:
            inputs, targets = self.examples()
            part = slice(span.start, span.stop)
            state: FirstOrder = self.path.first_order(inputs[part], targets[part])
            return state

        return self._once(("state", self.key, self.path.name, digest(self.spec.examples), span), make)

    def test(self) -> tuple[Tensor, Tensor] | None:
        """Inputs (T, *input_shape) and targets (T, K) of the test examples, if there are any."""
        if self.spec.test_examples is None:
            return None
        return self._examples(self.dataset.test, self._test_indices())

    def test_inputs(self) -> Tensor:
        """Inputs (T, *input_shape) of the test examples."""
        return self.dataset.test.inputs[self._test_indices()]

    def test_labels(self) -> Tensor:
        """Labels of the test examples, (T,) or (T, K)."""
        return self.dataset.test.labels[self._test_indices()]

    def tests(self) -> Any:
        """What the path's `pairs` needs of the test examples."""
        key = ("tests", self.key, self.path.name, self._tests)
        return self._once(key, lambda: self.path.tests(self.test_inputs()))

    def test_logits(self) -> Tensor:
        """z_t of the test examples in float64, (T, K), on the CPU."""

        def make() -> Tensor:
            with torch.no_grad():
                return self.functional.logits(self.functional.parameters, self.test_inputs()).double().cpu()

        return self._once(("test logits", self.key, self._tests), make)

    @property
    def _tests(self) -> Hashable:
        """Names the test examples."""
        return None if self.spec.test_examples is None else digest(self.spec.test_examples)

    def _test_indices(self) -> Tensor:
        if self.chosen.test is None:
            raise ValueError("the job has no test examples")
        return torch.from_numpy(self.chosen.test).to(self.context.device)

    def _examples(self, split: Split, indices: Tensor) -> tuple[Tensor, Tensor]:
        chosen = indices.to(self.context.device)
        return split.inputs[chosen], targets_of(self.spec, self.dataset, split, chosen)

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        return self.context.remember(key, make, passing=True)


def prepare(spec: Brackets, step: int, inputs: Sequence[ObjectRef], context: Context) -> Prepared:
    """A job at a checkpoint, which is among the inputs of its block.

    Raises:
        UserFault: the model has no brackets, or an example is not there.
        BlockFault: the checkpoint was not given, or belongs to another model.
    """
    dataset = load(spec.training.data, context, torch_dtype(spec.dtype))
    chosen = Chosen.of(spec, dataset)
    checkpoint = needed(inputs, f"checkpoints/{step:09d}")
    functional = functional_at(spec, checkpoint, context)
    key = functional_key(spec, checkpoint)
    found = context.remember(("path", key, spec.path), lambda: _choice(spec, dataset, functional, context))
    return Prepared(spec, context, dataset, chosen, functional, found.path, found.reasons, key)


def _choice(spec: Brackets, dataset: Dataset, functional: Functional, context: Context) -> Choice:
    few = torch.arange(min(3, len(dataset.train)), device=context.device)
    inputs, targets = dataset.train.inputs[few], targets_of(spec, dataset, dataset.train, few)
    return choose(functional, inputs, targets, spec.path, context.device)
