"""Update rules as pure functions: what PyTorch's optimizers do to one tensor, elementwise.

Axes: … any shape; every tensor of a call has the same one.

`updated` allocates its results, and can be differentiated by torch.func in the parameter, the gradient and the slots.
`update_` writes them over its arguments by the same operations, so that both give the same bits.

A rule's memory is its *slots*, under PyTorch's names, and the number of steps that they have taken; the steps of SGD
without momentum leave both alone. Slots start as zeros. Under SGD the first step with momentum starts the buffer as
the gradient, whenever it comes: a momentum that is only switched on for some steps begins as PyTorch's does.
"""

from collections.abc import Mapping
from math import sqrt
from typing import assert_never

import torch
from torch import Tensor

from schemas.optimizers import Adam, AdamW, RmsProp, Rule, Sgd


def slot_names(spec: Rule) -> tuple[str, ...]:
    """The slots that a step under `spec` reads and writes."""
    match spec:
        case Sgd():
            return ("momentum_buffer",) if spec.momentum else ()
        case Adam() | AdamW():
            return ("exp_avg", "exp_avg_sq")
        case RmsProp():
            mean = ("grad_avg",) if spec.centered else ()
            return ("square_avg", *mean, *(("momentum_buffer",) if spec.momentum else ()))
        case _:
            assert_never(spec)


def updated(
    spec: Rule, parameter: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], taken: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """The parameter and the slots after one step.

    Args:
        spec: The rule with the hyper-parameters of this step.
        parameter: θ, (…).
        gradient: Of the loss, (…).
        slots: Those of `slot_names(spec)`, (…) each; others are ignored.
        taken: Steps that the slots have taken so far.

    Returns:
        θ after the step, and the slots of `slot_names(spec)`.

    Source: torch.optim's SGD, Adam, AdamW and RMSprop; equal to them up to rounding. Where √v is taken, v is at least
    the smallest normal number: a slot that is exactly 0 would otherwise have an infinite derivative, and a centred v
    rounded below 0 no root at all.
    """
    return _step(spec, parameter, gradient, slots, taken, in_place=False)


def update_(spec: Rule, parameter: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], taken: int) -> None:
    """`updated`, written over `parameter` and `slots`; what `gradient` holds afterwards is of no use."""
    _step(spec, parameter, gradient, slots, taken, in_place=True)


def _step(
    spec: Rule, parameter: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], taken: int, *, in_place: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    match spec:
        case Sgd():
            return _sgd(spec, parameter, gradient, slots, taken, in_place)
        case Adam() | AdamW():
            return _adam(spec, parameter, gradient, slots, taken, in_place)
        case RmsProp():
            return _rmsprop(spec, parameter, gradient, slots, in_place)
        case _:
            assert_never(spec)


def _sgd(
    spec: Sgd, parameter: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], taken: int, in_place: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    def out(tensor: Tensor) -> Tensor | None:
        return tensor if in_place else None

    change, kept = _decayed(spec.weight_decay, parameter, gradient, in_place), {}
    if spec.momentum:
        buffer = slots["momentum_buffer"]
        if taken:
            buffer = torch.mul(buffer, spec.momentum, out=out(buffer))
            buffer = torch.add(buffer, change, alpha=1 - spec.dampening, out=out(buffer))
        else:
            buffer = buffer.copy_(change) if in_place else change.clone()
        kept = {"momentum_buffer": buffer}
        change = torch.add(change, buffer, alpha=spec.momentum, out=out(change)) if spec.nesterov else buffer
    return torch.add(parameter, change, alpha=-spec.lr, out=out(parameter)), kept


def _adam(
    spec: Adam | AdamW, parameter: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], taken: int, in_place: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    def out(tensor: Tensor) -> Tensor | None:
        return tensor if in_place else None

    if isinstance(spec, AdamW):
        change = gradient
        if spec.weight_decay:
            parameter = torch.mul(parameter, 1 - spec.lr * spec.weight_decay, out=out(parameter))
    else:
        change = _decayed(spec.weight_decay, parameter, gradient, in_place)
    first, second = spec.betas
    mean = _averaged(slots["exp_avg"], change, first, in_place)
    square = _averaged_square(slots["exp_avg_sq"], change, second, in_place)
    # The gradient has been used: in place, its memory holds the root.
    # With c = √(1 − β₂ᵗ), m / (√v / c + eps) is c m / (√v + c eps): a pass over memory less.
    correction = sqrt(1 - second ** (taken + 1))
    root = torch.add(_root(square, out(change)), spec.eps * correction, out=out(change))
    rate = spec.lr * correction / (1 - first ** (taken + 1))
    moved = torch.addcdiv(parameter, mean, root, value=-rate, out=out(parameter))
    return moved, {"exp_avg": mean, "exp_avg_sq": square}


def _rmsprop(
    spec: RmsProp, parameter: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], in_place: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    def out(tensor: Tensor) -> Tensor | None:
        return tensor if in_place else None

    change = _decayed(spec.weight_decay, parameter, gradient, in_place)
    square = _averaged_square(slots["square_avg"], change, spec.alpha, in_place)
    kept = {"square_avg": square}
    variance = square
    if spec.centered:
        mean = kept["grad_avg"] = _averaged(slots["grad_avg"], change, spec.alpha, in_place)
        variance = torch.addcmul(square, mean, mean, value=-1)
    scale = torch.add(_root(variance, None), spec.eps)
    if not spec.momentum:
        return torch.addcdiv(parameter, change, scale, value=-spec.lr, out=out(parameter)), kept
    buffer = slots["momentum_buffer"]
    buffer = torch.mul(buffer, spec.momentum, out=out(buffer))
    buffer = kept["momentum_buffer"] = torch.addcdiv(buffer, change, scale, out=out(buffer))
    return torch.add(parameter, buffer, alpha=-spec.lr, out=out(parameter)), kept


def _decayed(weight_decay: float, parameter: Tensor, gradient: Tensor, in_place: bool) -> Tensor:
    """The gradient with its decay, g + weight_decay · θ."""
    if weight_decay == 0:
        return gradient
    return torch.add(gradient, parameter, alpha=weight_decay, out=gradient if in_place else None)


def _averaged(mean: Tensor, value: Tensor, decay: float, in_place: bool) -> Tensor:
    """A running mean, decay · mean + (1 − decay) · value."""
    return torch.lerp(mean, value, 1 - decay, out=mean if in_place else None)


def _averaged_square(mean: Tensor, value: Tensor, decay: float, in_place: bool) -> Tensor:
    """A running mean square, decay · mean + (1 − decay) · value²."""
    out = mean if in_place else None
    return torch.addcmul(torch.mul(mean, decay, out=out), value, value, value=1 - decay, out=out)


def _root(square: Tensor, out: Tensor | None) -> Tensor:
    """√square, with a derivative of 0 where `square` is 0."""
    return torch.sqrt(torch.clamp_min(square, torch.finfo(square.dtype).tiny, out=out), out=out)
