"""Optional libraries, asked for where they are needed, with a line that says how to get them."""

from importlib import import_module
from typing import Any

from holonomy.errors import Unconfigured


def needed(module: str, extra: str, what: str) -> Any:
    """The module.

    Raises:
        Unconfigured: it is not installed; the message names the extra that brings it.
    """
    try:
        return import_module(module)
    except ImportError:
        raise Unconfigured(f"{what} needs more than the client alone: install `holonomy[{extra}]`") from None
