"""Looking at what the layers of a model are given, for a while."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def watched(layers: Iterable[nn.Module], look: Callable[[nn.Module, tuple[Tensor, ...]], Any]) -> Iterator[None]:
    """Let `look` see the inputs of these layers before they do; the model is afterwards as it was."""
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
