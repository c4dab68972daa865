"""What a block hands back when it finishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schemas.blocks import ObjectRef

Rows = Mapping[str, "Sequence[Any] | np.ndarray[Any, Any]"]
"""Columns of a result table by name, of equal length; None stands for null."""


@dataclass(frozen=True)
class Finished:
    """The outcome of a block.

    Attributes:
        data: A few kilobytes of JSON about what was found.
        rows: Result table name (schemas.results) to its columns, all of them; the service adds the job.
        objects: What was written to the object store.
    """

    data: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    objects: tuple[ObjectRef, ...] = ()
