"""Which elements of which parameter tensors a move takes hold of."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np
from torch import Tensor

from schemas.nearest import did_you_mean
from schemas.perturbations import Where
from workers.errors import UserFault
from workers.training.schedule import Integers

SHOWN = 12
"""Names of parameter tensors in a message; a deep network has hundreds."""


def chosen(parameters: Mapping[str, Tensor], where: Where, draw: np.random.Generator) -> dict[str, slice | Integers]:
    """The chosen elements of each chosen tensor, as places in the flattened tensor; a slice stands for all of them.

    Tensors come in the order of `parameters`, places ascend. A fraction f of n elements is round(f·n) of them, at
    least one, drawn without replacement.

    Raises:
        UserFault: a pattern matches no tensor, or one element is asked for and there is not one tensor that has it.
    """
    names = _matching(list(parameters), where.tensors)
    if where.element is not None:
        return {_holder(parameters, names, where.element): np.array([where.element], dtype=np.int64)}
    if where.fraction == 1.0:
        return dict.fromkeys(names, slice(None))
    return {name: _share(parameters[name].numel(), where.fraction, draw) for name in names}


def _matching(known: list[str], patterns: tuple[str, ...]) -> list[str]:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            more = f", … ({len(known)} in all)" if len(known) > SHOWN else ""
            raise UserFault(
                f"where: no parameter tensor is called {pattern!r}; the model has {', '.join(known[:SHOWN])}{more}"
                f"{did_you_mean(pattern, known)}"
            )
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _holder(parameters: Mapping[str, Tensor], names: list[str], element: int) -> str:
    if len(names) != 1:
        raise UserFault(
            f"where: an element is one of a single tensor, and {len(names)} tensors are chosen, {names[0]} and "
            f"{names[1]} among them: give the name of one"
        )
    size = parameters[names[0]].numel()
    if element >= size:
        raise UserFault(
            f"where: {names[0]} has {size:,} elements, numbered 0 to {size - 1:,}; came element {element:,}: "
            "choose among those"
        )
    return names[0]


def _share(size: int, fraction: float, draw: np.random.Generator) -> Integers:
    count = max(1, round(fraction * size))
    return np.sort(draw.choice(size, count, replace=False)).astype(np.int64)
