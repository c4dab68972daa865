"""From an optimizer spec to PyTorch's update rule."""

from collections.abc import Iterable
from inspect import Parameter, signature
from typing import assert_never

import torch
from torch import nn

from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from workers import plugins
from workers.errors import UserFault

OPTIMIZERS_GROUP = "holonomy.optimizers"
OPEN = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def optimizer(
    spec: Sgd | Adam | AdamW | RmsProp | RegistryOptimizer, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """A fresh optimizer over `parameters`. A registry factory is called as `factory(parameters, **options)`.

    Raises:
        UserFault: the spec names an optimizer that is not installed, or that is not a torch.optim.Optimizer.
    """
    match spec:
        case Sgd():
            return torch.optim.SGD(
                parameters,
                lr=spec.lr,
                momentum=spec.momentum,
                dampening=spec.dampening,
                nesterov=spec.nesterov,
                weight_decay=spec.weight_decay,
            )
        case Adam():
            return torch.optim.Adam(
                parameters, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay
            )
        case AdamW():
            return torch.optim.AdamW(
                parameters, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay
            )
        case RmsProp():
            return torch.optim.RMSprop(
                parameters,
                lr=spec.lr,
                alpha=spec.alpha,
                eps=spec.eps,
                momentum=spec.momentum,
                centered=spec.centered,
                weight_decay=spec.weight_decay,
            )
        case RegistryOptimizer():
            made = plugins.call(OPTIMIZERS_GROUP, spec.name, list(parameters), **spec.options)
            if not isinstance(made, torch.optim.Optimizer):
                raise UserFault(
                    f"the optimizer {spec.name!r} must be a torch.optim.Optimizer, its factory made {type(made)}"
                )
            needed = (argument for argument in signature(made.step).parameters.values() if argument.kind not in OPEN)
            if any(argument.default is argument.empty for argument in needed):
                raise UserFault(
                    f"the optimizer {spec.name!r} cannot step without a closure, and a step here has one gradient: "
                    "choose another"
                )
            return made
        case _:
            assert_never(spec)
