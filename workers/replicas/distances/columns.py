"""From arrays to columns of result tables, where what is not finite is null."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def quotient(above: Floats, below: Floats | float) -> Floats:
    """Above / below; NaN where `below` is not above 0."""
    wide = np.broadcast_to(below, above.shape)
    ratio: Floats = np.divide(above, wide, out=np.full_like(above, np.nan), where=wide > 0)
    return ratio


def nullable(values: Mapping[str, Floats]) -> dict[str, Any]:
    """Columns with None in place of NaN and infinity; those that are finite throughout stay as they are."""
    return {name: _nullable(column) for name, column in values.items()}


def _nullable(column: Floats) -> np.ndarray[Any, Any]:
    finite = np.isfinite(column)
    if finite.all():
        return column
    objects = column.astype(object)
    objects[~finite] = None
    return objects
