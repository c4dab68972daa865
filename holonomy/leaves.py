"""Specs as flat mappings from paths to values, in which fields of several specs can be held together."""

from collections.abc import Mapping, Sequence
from typing import Any

Leaf = str | int | float | bool | None


def leaves(value: Any, path: str = "") -> dict[str, Leaf]:
    """Every number, text, truth value and null of a JSON document by its path, such as `training.optimizer.lr`."""
    if isinstance(value, Mapping):
        items = ((str(key), one) for key, one in value.items())
    elif isinstance(value, list):
        items = ((str(place), one) for place, one in enumerate(value))
    else:
        return {path: value}
    return {leaf: one for key, part in items for leaf, one in leaves(part, f"{path}.{key}" if path else key).items()}


def differing(documents: Sequence[Mapping[str, Leaf]]) -> list[str]:
    """Paths at which not all documents have the same value; 1 and 1.0 are not the same."""
    paths = dict.fromkeys(path for document in documents for path in document)
    return [path for path in paths if len({repr(document.get(path)) for document in documents}) > 1]
