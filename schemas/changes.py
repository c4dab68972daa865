"""An optimizer some of whose hyper-parameters have other values for a window of steps."""

import math
from collections.abc import Iterable, Sequence
from typing import cast

from schemas.mistakes import InvalidSpec
from schemas.optimizers import Adam, AdamW, RegistryOptimizer, Rule
from schemas.perturbations import Change

_BETAS = {"beta1": 0, "beta2": 1}


def hyper_parameters(optimizer: Rule | RegistryOptimizer) -> tuple[str, ...]:
    """Names of the hyper-parameters that a `Change` may name."""
    fields = type(optimizer).model_fields
    plain = [name for name in ("lr", "momentum", "dampening", "weight_decay", "eps", "alpha") if name in fields]
    return (*plain, *(_BETAS if "betas" in fields else ()))


def changed(optimizer: Rule, changes: Iterable[Change], step: int) -> Rule:
    """The optimizer at a step: each change whose window holds the step, in turn, sets or multiplies its value.

    The very `optimizer` where no window holds the step. What comes of values that the optimizer does not allow is
    not checked here: `impossible` is asked before.
    """
    for change in changes:
        if change.start <= step <= change.stop:
            before = _value(optimizer, change.parameter)
            value = (
                before * change.factor if change.factor is not None else cast("float", change.value)
            )  # one of both
            optimizer = optimizer.model_copy(update=_update(optimizer, change.parameter, value))
    return optimizer


def impossible(optimizer: Rule | RegistryOptimizer, changes: Sequence[Change]) -> str | None:
    """Why an optimizer cannot be changed so, in one line; None if it can. A learning rate of 0 is allowed."""
    for change in changes:
        if change.parameter not in hyper_parameters(optimizer):
            known = ", ".join(hyper_parameters(optimizer))
            return f"{optimizer.kind} has no {change.parameter} to change; it has {known}"
    if isinstance(optimizer, RegistryOptimizer):
        return None
    # Between these steps no window opens or closes.
    for step in sorted({change.start for change in changes} | {change.stop + 1 for change in changes}):
        rule = changed(optimizer, changes, step)
        if not math.isfinite(rule.lr):
            return f"the changes make the learning rate infinite from step {step}: take smaller factors"
        try:
            type(rule)(**{**rule.model_dump(), "lr": optimizer.lr})
        except InvalidSpec as error:
            return f"from step {step} the changes make of the optimizer what it cannot be: {error}"
    return None


def _value(optimizer: Rule, parameter: str) -> float:
    value: float
    if parameter in _BETAS and isinstance(optimizer, Adam | AdamW):
        value = optimizer.betas[_BETAS[parameter]]
    else:
        value = getattr(optimizer, parameter)
    return value


def _update(optimizer: Rule, parameter: str, value: float) -> dict[str, object]:
    if parameter in _BETAS and isinstance(optimizer, Adam | AdamW):
        betas = list(optimizer.betas)
        betas[_BETAS[parameter]] = value
        return {"betas": tuple(betas)}
    return {parameter: value}
