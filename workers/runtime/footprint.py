"""How much memory a remembered value holds."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass


def footprint(value: object) -> int:
    """Bytes of the arrays within a value: what it says of itself, or else those of its parts.

    A value with `nbytes` (tensors, arrays, first-order states) says so; modules hold parameters and buffers, and
    mappings, tuples, lists and dataclasses are looked through. An array that is part of two values counts in both.
    """
    said = getattr(value, "nbytes", None)
    if isinstance(said, int):
        return said
    if isinstance(value, Mapping):
        return sum(map(footprint, value.values()))
    if isinstance(value, tuple | list):
        return sum(map(footprint, value))
    if is_dataclass(value) and not isinstance(value, type):
        return sum(footprint(getattr(value, field.name)) for field in fields(value))
    return _module(value)


def _module(value: object) -> int:
    import torch

    if not isinstance(value, torch.nn.Module):
        return 0
    return sum(tensor.nbytes for tensor in (*value.parameters(), *value.buffers()))
