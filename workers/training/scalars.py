"""Tensors and plain numbers under one roof: state as named tensors only, from which the same values come back.

A number `value` called `name` becomes a 0-dimensional tensor called `name:int`, `name:float` or `name:bool`; None
becomes an empty tensor called `name:none`. int64 and float64 hold Python's numbers exactly.
"""

import torch
from torch import Tensor

from workers.errors import UserFault

Value = Tensor | int | float | bool | None


def encode(name: str, value: object) -> tuple[str, Tensor]:
    """The name and tensor that stand for a value; tensors are copied to the CPU.

    Raises:
        UserFault: the value is neither a tensor nor a number nor None, or its name could not be told apart.
    """
    if ":" in name:
        raise UserFault(f"state named {name!r} cannot be stored: names must not hold a colon")
    match value:
        case Tensor():
            # clone: the copy must not change with the next step, and safetensors refuses shared memory.
            return name, value.detach().to("cpu", copy=True).contiguous()
        case bool():
            return f"{name}:bool", torch.tensor(value)
        case int() if -(2**63) <= value < 2**63:
            return f"{name}:int", torch.tensor(value, dtype=torch.int64)
        case float():
            return f"{name}:float", torch.tensor(value, dtype=torch.float64)
        case None:
            return f"{name}:none", torch.zeros(0)
        case _:
            raise UserFault(
                f"state {name!r} is a {type(value).__name__}, which cannot be stored: "
                "an optimizer's state must be tensors and numbers"
            )


def decode(name: str, tensor: Tensor) -> tuple[str, Value]:
    """The name and value that `encode` turned into this; tensors are shared, not copied."""
    plain, _, mark = name.partition(":")
    match mark:
        case "":
            return plain, tensor
        case "none":
            return plain, None
        case "bool":
            return plain, bool(tensor)
        case "int":
            return plain, int(tensor)
        case _:
            return plain, float(tensor)
