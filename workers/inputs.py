"""Finding a block's inputs by name."""

from collections.abc import Sequence

from schemas.blocks import ObjectRef
from workers.errors import BlockFault


def needed(inputs: Sequence[ObjectRef], name: str) -> ObjectRef:
    """The input of that name.

    Raises:
        BlockFault: it was not given.
    """
    for ref in inputs:
        if ref.name == name:
            return ref
    raise BlockFault(f"the block needs the object {name!r}, it was given {[ref.name for ref in inputs][:5]}")


def under(inputs: Sequence[ObjectRef], prefix: str) -> list[ObjectRef]:
    """The inputs whose names start so, by name.

    Raises:
        BlockFault: there are none.
    """
    found = sorted((ref for ref in inputs if ref.name.startswith(prefix)), key=lambda ref: ref.name)
    if not found:
        raise BlockFault(f"the block needs the objects {prefix}*, it was given {[ref.name for ref in inputs][:5]}")
    return found
