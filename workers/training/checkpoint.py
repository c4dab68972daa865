"""The whole state of a run as named tensors, and back: what is needed to go on as if nothing had happened.

    parameters/<name>                    θ
    buffers/<name>                       such as BatchNorm's running statistics
    optimizer/state/<parameter>/<key>    momentum buffers, moments, step counts
    optimizer/groups/<index>/<key>       numbers of the parameter groups (lr, ...)
    rng/cpu, rng/cuda                    PyTorch's generators

Plain numbers are marked in their names (see `scalars`).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from workers.errors import BlockFault
from workers.training.scalars import decode, encode


def capture(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """A copy of the state, on the CPU.

    Raises:
        UserFault: the optimizer keeps something that is neither a tensor nor a number.
    """
    arrays = {f"parameters/{name}": _copy(parameter) for name, parameter in model.named_parameters()}
    arrays |= {f"buffers/{name}": _copy(buffer) for name, buffer in model.named_buffers()}
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    encoded = [
        encode(f"optimizer/state/{names[parameter]}/{key}", value)
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
    ]
    encoded += [
        encode(f"optimizer/groups/{index}/{key}", value)
        for index, group in enumerate(optimizer.param_groups)
        for key, value in group.items()
        if isinstance(value, int | float | Tensor)
    ]
    arrays |= dict(encoded)
    arrays["rng/cpu"] = torch.get_rng_state()
    if next(iter(names)).is_cuda:
        arrays["rng/cuda"] = torch.cuda.get_rng_state()
    return arrays


def restore(model: nn.Module, optimizer: torch.optim.Optimizer, arrays: Mapping[str, Tensor]) -> None:
    """Put captured state into a model and optimizer built from the same spec, and into PyTorch's generators.

    A generator whose state was not captured (another device was used then) is left as it is.

    Raises:
        BlockFault: the checkpoint belongs to another model.
    """
    load_tensors(model, arrays)
    _restore_optimizer(model, optimizer, arrays)
    torch.set_rng_state(arrays["rng/cpu"].clone())
    if "rng/cuda" in arrays and next(model.parameters()).is_cuda:
        torch.cuda.set_rng_state(arrays["rng/cuda"].clone())


def load_tensors(model: nn.Module, arrays: Mapping[str, Tensor]) -> None:
    """Copy the parameters and buffers of a checkpoint into a model, casting to the model's types.

    Raises:
        BlockFault: the checkpoint belongs to another model.
    """
    targets: dict[str, Tensor] = {f"parameters/{name}": parameter for name, parameter in model.named_parameters()}
    targets |= {f"buffers/{name}": buffer for name, buffer in model.named_buffers()}
    held = {
        name: tuple(array.shape) for name, array in arrays.items() if name.startswith(("parameters/", "buffers/"))
    }
    wanted = {name: tuple(target.shape) for name, target in targets.items()}
    if held != wanted:
        differing = sorted(name for name in held.keys() | wanted.keys() if held.get(name) != wanted.get(name))
        raise BlockFault(f"the checkpoint does not fit the model: {differing[:5]} differ in name or shape")
    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(arrays[name])


def _restore_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, arrays: Mapping[str, Tensor]) -> None:
    state: dict[str, dict[str, Any]] = {}
    packed = optimizer.state_dict()
    for name, array in arrays.items():
        if name.startswith("optimizer/state/"):
            owner, _, key = name.removeprefix("optimizer/state/").rpartition("/")
            key, value = decode(key, array)
            state.setdefault(owner, {})[key] = value.clone() if isinstance(value, Tensor) else value
        elif name.startswith("optimizer/groups/"):
            index, _, key = name.removeprefix("optimizer/groups/").partition("/")
            key, value = decode(key, array)
            packed["param_groups"][int(index)][key] = value.clone() if isinstance(value, Tensor) else value
    named: dict[str, Tensor] = dict(model.named_parameters())
    numbers: dict[Tensor, int] = {
        parameter: number
        for group, packed_group in zip(optimizer.param_groups, packed["param_groups"], strict=True)
        for parameter, number in zip(group["params"], packed_group["params"], strict=True)
    }
    packed["state"] = {numbers[named[owner]]: values for owner, values in state.items()}
    optimizer.load_state_dict(packed)
    for owner, values in state.items():
        _undo_casts(optimizer.state[named[owner]], values)


def _undo_casts(loaded: dict[str, Any], values: Mapping[str, Any]) -> None:
    """PyTorch's `load_state_dict` casts state to its parameter's type; state of another type keeps its own."""
    for key, value in values.items():
        if isinstance(value, Tensor) and loaded[key].dtype != value.dtype:
            loaded[key] = value.to(loaded[key].device)


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()
