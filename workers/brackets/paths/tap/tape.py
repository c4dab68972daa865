"""What one forward pass over a batch did, operation by operation, with the layers that hold parameters told apart.

Axes: M examples of the batch, K outputs. A value is *active* if it depends on θ; operations between others are not
part of a tape.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from workers.brackets.functional import Functional
from workers.brackets.paths.tap.layer import Layer, Untappable
from workers.brackets.paths.tap.makers import MAKERS
from workers.brackets.paths.tap.operations import General, Linear, Operation, Pointwise, Sum
from workers.brackets.paths.tap.vocabulary import (
    FLAT,
    LINEAR,
    POINTWISE,
    READING,
    SUMS,
    Function,
    out_of_place,
    written,
)

Step = Layer | Operation


@dataclass(frozen=True)
class Tape:
    """The steps of a pass that lead to the logits, in order.

    Attributes:
        steps: Layers and operations; each knows its active inputs and its outputs by slot.
        logits: What the model gave, (M, K).
        slot: Of the logits.
    """

    steps: list[Step]
    logits: Tensor
    slot: int

    @property
    def layers(self) -> list[Layer]:
        """The steps that hold parameters."""
        return [step for step in self.steps if isinstance(step, Layer)]


def record(functional: Functional, inputs: Tensor) -> Tape:
    """Run the model on a batch (M, *input_shape) and note what it does.

    Raises:
        Untappable: it does what a tape cannot hold; the message says what, with the names of parameters.
    """
    recorder = _Recorder(functional.parameters, len(inputs))
    if inputs.dim() == 4:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.enable_grad(), recorder:
        logits = functional.logits(functional.parameters, inputs)
    return recorder.tape(logits)


@dataclass(frozen=True)
class _Expression:
    """An active value as a function, element by element, of an earlier one of the same shape."""

    root: int
    function: Callable[[Tensor], Tensor]
    curved: bool


class _Recorder(TorchFunctionMode):
    """Watches every call of a torch function. Slots number the active values; `slots` finds them by identity."""

    def __init__(self, parameters: Mapping[str, Tensor], examples: int) -> None:
        super().__init__()
        self.examples = examples
        self.names = {id(tensor): name for name, tensor in parameters.items()}
        self.unused = dict.fromkeys(parameters)
        self.reasons: dict[str, None] = {}
        self.values: list[Tensor] = []
        self.slots: dict[int, int] = {}
        self.steps: list[Step | tuple[int, _Expression]] = []
        self.expressions: dict[int, _Expression] = {}

    def __torch_function__(
        self, function: Function, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call as it is, and note it if it makes an active value."""
        kwargs = kwargs or {}
        if function is Tensor.view and not isinstance(args[1], torch.dtype):
            function = Tensor.reshape  # maps are channels last here, which not every model reckons with
        if not self._concerns(args, kwargs):
            return function(*args, **kwargs)
        target = written(function, args, kwargs)
        stand_in = None if target is None else self._kept(target)
        result = function(*args, **kwargs)
        if target is not None and stand_in is not None:
            args, kwargs = pytree.tree_map(lambda leaf: stand_in if leaf is target else leaf, (args, kwargs))
        try:
            self._note(function, args, kwargs, result)
        except Untappable as refusal:
            self.reasons |= dict.fromkeys(refusal.reasons)
            for value in pytree.tree_leaves(result):
                if _differentiable(value):
                    self._slot(value)
        return result

    def tape(self, logits: Tensor) -> Tape:
        """The steps that lead to the logits.

        Raises:
            Untappable: some call could not be noted, or parameters have no part in the logits.
        """
        if self.reasons:
            raise Untappable(*self.reasons)
        if self.unused:
            raise Untappable(f"nothing in the forward pass uses {_listed(self.unused)}")
        if id(logits) not in self.slots:
            raise Untappable("the logits come from operations that PyTorch does not show")
        slot = self.slots[id(logits)]
        needed = {slot}
        steps: list[Step] = []
        for step in reversed(self.steps):
            if isinstance(step, tuple):
                place, expression = step
                if place in needed:
                    needed.add(expression.root)
                    steps.append(self._pointwise(place, expression))
            elif needed.intersection(step.outputs):
                needed.update(step.inputs)
                steps.append(step)
            elif isinstance(step, Layer):
                raise Untappable(f"the logits do not depend on {_listed(step.names)}")
        return Tape(steps[::-1], logits, slot)

    def _concerns(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        leaves = pytree.tree_leaves((args, kwargs))
        return any(id(leaf) in self.slots or id(leaf) in self.names for leaf in leaves if isinstance(leaf, Tensor))

    def _kept(self, target: Tensor) -> Tensor:
        """A copy of what is about to be overwritten, which takes its slot."""
        copy = target.clone()
        if id(target) in self.slots:
            slot = self.slots.pop(id(target))
            self.slots[id(copy)] = slot
            self.values[slot] = copy
        return copy

    def _note(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        outputs = [leaf for leaf in pytree.tree_leaves(result) if _differentiable(leaf)]
        name = getattr(function, "__name__", str(function))
        if name in READING:
            raise Untappable(f"the forward pass reads values (`{name}`)")
        pure = out_of_place(function)
        if pure is None:
            raise Untappable(f"the forward pass writes into a value that depends on parameters (`{name}`)")
        if not outputs:
            return
        if not torch.is_grad_enabled():
            raise Untappable(f"the forward pass stops gradients (around `{name}`)")
        if "inplace" in kwargs:
            kwargs = kwargs | {"inplace": False}
        leaves, structure = pytree.tree_flatten((args, kwargs))
        named = [self.names[id(leaf)] for leaf in leaves if isinstance(leaf, Tensor) and id(leaf) in self.names]
        if named:
            self._layer(function, name, args, kwargs, named, result)
            return
        places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and id(leaf) in self.slots]
        values = tuple(leaves[place] for place in places)
        bound = [None if place in places else leaf for place, leaf in enumerate(leaves)]
        call = partial(_call, pure, structure, bound, places)
        inputs = tuple(self.slots[id(value)] for value in values)
        slots = tuple(self._slot(output) for output in outputs)
        shapes = tuple(output.shape for output in outputs)
        alike = all(value.shape == outputs[0].shape for value in values)
        expression = self._expression(pure, call, inputs) if alike and pure in POINTWISE else None
        if expression is not None:
            self.expressions[slots[0]] = expression
            self.steps.append((slots[0], expression))
        elif alike and pure in SUMS and len(leaves) == len(inputs) == 2:
            self.steps.append(Sum(inputs, slots, shapes, SUMS[pure]))
        else:
            self.steps.append((Linear if pure in LINEAR else General)(inputs, slots, shapes, call, values))

    def _layer(
        self,
        function: Function,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        named: Sequence[str],
        result: Tensor,
    ) -> None:
        """Note a layer, and that its parameters have had their use."""
        again = [name for name in named if name not in self.unused]
        for taken in named:
            self.unused.pop(taken, None)
        if function not in MAKERS:
            raise Untappable(f"{_listed(named)} enters `{name}`, which is no layer of a known kind")
        if again:
            raise Untappable(f"{_listed(again)} is used more than once in the forward pass")
        if function is nn.functional.layer_norm:
            args, kwargs = self._normalised(*args, **kwargs)
        source = args[0] if args else kwargs["input"]
        if len(source) != self.examples:
            raise Untappable(f"{_listed(named)} is given {len(source)} rows for {self.examples} examples")
        layer = MAKERS[function](lambda tensor: self.names.get(id(tensor)), *args, **kwargs)
        if any(id(leaf) in self.slots for leaf in pytree.tree_leaves((args[1:], kwargs)) if leaf is not source):
            raise Untappable(f"{_listed(named)} stands beside parameters that the forward pass computes")
        if id(source) in self.slots:
            layer.inputs = (self.slots[id(source)],)
        layer.outputs = (self._slot(result),)
        self.steps.append(layer)

    def _normalised(
        self,
        input: Tensor,  # noqa: A002 (PyTorch's name)
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A LayerNorm in two: the normalisation, which has no parameters, and arguments of what scales it."""
        whole = nn.functional.layer_norm
        hat = whole(input, normalized_shape, eps=eps)
        if id(input) in self.slots:
            self._note(whole, (input, normalized_shape), {"eps": eps}, hat)
        return (hat, weight, bias), {}

    def _expression(self, function: Function, call: Callable[..., Any], inputs: Sequence[int]) -> _Expression | None:
        """A pointwise call as a function of one earlier value, if its inputs all are."""
        parts = [self.expressions.get(slot, _Expression(slot, _identity, False)) for slot in inputs]
        if len({part.root for part in parts}) > 1:
            return None
        functions = [part.function for part in parts]

        def composed(value: Tensor) -> Tensor:
            result: Tensor = call(*(function(value) for function in functions))[0]
            return result

        return _Expression(parts[0].root, composed, function not in FLAT or any(part.curved for part in parts))

    def _slot(self, value: Tensor) -> int:
        self.values.append(value)
        self.slots[id(value)] = len(self.values) - 1
        return len(self.values) - 1

    def _pointwise(self, place: int, expression: _Expression) -> Pointwise:
        root = expression.root
        return Pointwise((root,), (place,), expression.function, self.values[root], expression.curved)


def _call(function: Function, structure: Any, leaves: Sequence[Any], places: Sequence[int], *values: Tensor) -> Any:
    """The call with its active inputs replaced, and those of its outputs that have derivatives."""
    given = list(leaves)
    for place, value in zip(places, values, strict=True):
        given[place] = value
    args, kwargs = pytree.tree_unflatten(given, structure)
    return tuple(leaf for leaf in pytree.tree_leaves(function(*args, **kwargs)) if _differentiable(leaf))


def _identity(value: Tensor) -> Tensor:
    return value


def _differentiable(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point()


def _listed(names: Iterable[str]) -> str:
    """'a', 'b' and 3 more."""
    names = list(names)
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(repr(name) for name in names[:4]) + more
