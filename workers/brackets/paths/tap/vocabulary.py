"""Which of PyTorch's functions are pointwise, which are linear, which write in place and which read values."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Function = Callable[..., Any]


def _named(names: Iterable[str]) -> frozenset[Function]:
    """Functions of these names, as methods, in `torch` and in `torch.nn.functional`."""
    homes = (torch, Tensor, nn.functional)
    return frozenset(getattr(home, name) for home in homes for name in names if hasattr(home, name))


_SUMS = ("add", "sub", "subtract", "__radd__", "__rsub__", "neg", "__neg__")

PIECEWISE = _named(("relu", "leaky_relu", "hardtanh", "relu6", "abs", "clamp", "clip", "clamp_min", "clamp_max"))
"""Element by element, with second derivative 0 almost everywhere."""

POINTWISE = PIECEWISE | _named(
    (
        *_SUMS,
        "mul",
        "multiply",
        "__rmul__",
        "div",
        "divide",
        "true_divide",
        "__rtruediv__",
        "__rdiv__",
        "reciprocal",
        "pow",
        "__pow__",
        "__rpow__",
        "square",
        "sqrt",
        "rsqrt",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sin",
        "cos",
        "erf",
        "tanh",
        "sigmoid",
        "softplus",
        "logsigmoid",
        "mish",
        "gelu",
        "silu",
        "elu",
        "celu",
        "selu",
        "hardswish",
    )
)
"""Element by element: output element i depends on input elements i alone, if shapes are equal."""

LINEAR = _named(
    (
        *_SUMS,
        "mean",
        "sum",
        "flatten",
        "unflatten",
        "reshape",
        "view",
        "permute",
        "transpose",
        "movedim",
        "unsqueeze",
        "squeeze",
        "expand",
        "repeat",
        "cat",
        "concat",
        "stack",
        "__getitem__",
        "narrow",
        "select",
        "chunk",
        "split",
        "unbind",
        "contiguous",
        "clone",
        "dropout",
        "pad",
        "roll",
        "flip",
        "max_pool2d",
        "max_pool1d",
        "avg_pool2d",
        "avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool1d",
        "masked_fill",
    )
)
"""Affine in all tensor arguments together, at least almost everywhere: there is no second derivative."""

SUMS = {torch.add: 1, Tensor.add: 1, torch.sub: -1, Tensor.sub: -1}
"""Sums of two tensors, with the sign of the second."""

FLAT = PIECEWISE | _named(_SUMS)
"""Of the pointwise functions, those without a second derivative."""

READING = frozenset({"item", "tolist", "numpy", "__array__", "__bool__", "__int__", "__float__", "__index__"})
"""Names of what turns a tensor into plain values, by which a pass can hide a dependence."""


def written(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The tensor that a call writes into: its first argument, if it writes at all."""
    if not kwargs.get("inplace") and not _writes(function):
        return None
    target = args[0] if args else kwargs.get("input")
    return target if isinstance(target, Tensor) else None


def out_of_place(function: Function) -> Function | None:
    """The function that gives the same value and writes nowhere, if there is one: x.add_(y) → x.add(y)."""
    if not _writes(function):
        return function
    pure: Function | None = getattr(Tensor, function.__name__.removesuffix("_"), None)
    return pure


def _writes(function: Function) -> bool:
    name = getattr(function, "__name__", "")
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
