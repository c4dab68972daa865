"""An optimizer whose hyper-parameters have other values for windows of steps."""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from schemas.optimizers import Adam, AdamW, RmsProp, Sgd
from schemas.perturbations import Change

Rule = TypeVar("Rule", Sgd, Adam, AdamW, RmsProp)

_BETAS = {"beta1": 0, "beta2": 1}


def hyper_parameters(optimizer: object) -> tuple[str, ...]:
    """Names of the hyper-parameters of an optimizer spec that a `Change` may name."""
    fields = type(optimizer).model_fields
    plain = [name for name in ("lr", "momentum", "dampening", "weight_decay", "eps", "alpha") if name in fields]
    return (*plain, *(_BETAS if "betas" in fields else ()))
