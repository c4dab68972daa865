"""Which way of computing brackets a model and a device allow.

Axes: N examples, K outputs.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

import torch
from torch import Tensor

from schemas.brackets import Path as PathName
from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import BracketPath
from workers.brackets.paths.structured.network import unsupported as structured_unsupported
from workers.brackets.paths.structured.path import Structured
from workers.brackets.paths.tap import Tap
from workers.brackets.paths.tap import unsupported as tap_unsupported
from workers.errors import UserFault

PREFERENCE: dict[str, tuple[PathName, ...]] = {"cpu": ("structured", "tap"), "cuda": ("tap", "structured")}
"""Fastest first, before the generic path, which knows every model."""
SHOWN = 3
"""Reasons told when a path is refused: deep networks have hundreds of modules."""


@dataclass(frozen=True)
class Chosen:
    """A path, and why those before it were passed over.

    Attributes:
        path: How brackets are computed.
        reasons: By path, with names of modules or parameters.
    """

    path: BracketPath[Any, Any]
    reasons: dict[PathName, list[str]] = field(default_factory=dict)


def choose(
    functional: Functional,
    inputs: Tensor,
    targets: Tensor,
    requested: Literal["auto"] | PathName,
    device: torch.device,
) -> Chosen:
    """The path asked for, or the first of the device's preference that knows the model.

    Args:
        functional: The model at a checkpoint.
        inputs: A few examples to try it on, at least two: (N, *input_shape).
        targets: (N, K).
        requested: What the spec says.
        device: Where brackets are computed.

    Raises:
        UserFault: the path asked for does not know the model.
    """
    if requested != "auto":
        reasons = _reasons(requested, functional, inputs, targets)
        if reasons:
            more = f"; and {len(reasons) - SHOWN} more modules" if len(reasons) > SHOWN else ""
            raise UserFault(
                f"the path {requested!r} does not know this model ({'; '.join(reasons[:SHOWN])}{more}): "
                "leave `path` at 'auto', or choose 'generic'"
            )
        return Chosen(_made(requested, functional))
    passed: dict[PathName, list[str]] = {}
    for name in PREFERENCE.get(device.type, PREFERENCE["cuda"]):
        reasons = _reasons(name, functional, inputs, targets)
        if not reasons:
            return Chosen(_made(name, functional), passed)
        passed[name] = reasons
    return Chosen(Generic(functional), passed)


def _reasons(name: PathName, functional: Functional, inputs: Tensor, targets: Tensor) -> list[str]:
    """Why a path does not know the model."""
    match name:
        case "structured":
            return structured_unsupported(functional.model)
        case "tap":
            return tap_unsupported(functional, inputs, targets)
        case "generic":
            return []
        case _:
            assert_never(name)


def _made(name: PathName, functional: Functional) -> BracketPath[Any, Any]:
    match name:
        case "structured":
            return Structured.of(functional)
        case "tap":
            return Tap(functional)
        case "generic":
            return Generic(functional)
        case _:
            assert_never(name)
