"""What an import needs of a dataset folder, whatever its format."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from holonomy.errors import BadFile
from schemas.datasets import IdxManifest, ImagesManifest, Shard, SplitName, TextManifest, label_names

Bytes = NDArray[np.uint8]
Shorts = NDArray[np.uint16]
Arrays = dict[str, Bytes | Shorts]
"""The arrays of one shard by name, each with the examples along its first axis."""

SHARD_BYTES = 32 * 2**20
"""Largest shard made; one shard at a time is held in memory."""
_HEADER_ROOM = 4096


class Source(Protocol):
    """A checked folder. Nothing of its examples is read before `pieces` asks for them."""

    def count(self, split: SplitName) -> int:
        """Examples in a split."""
        ...

    def pieces(self, split: SplitName, shard_bytes: int = SHARD_BYTES) -> Iterator[Arrays]:
        """The examples of a split in order, as many at a time as fit a shard.

        Raises:
            BadFile: an example cannot be read.
        """
        ...

    def manifest(self, shards: tuple[Shard, ...]) -> IdxManifest | ImagesManifest | TextManifest:
        """What the service keeps of it."""
        ...


def rows_of(row_bytes: int, shard_bytes: int) -> int:
    """How many examples of `row_bytes` fit a shard, at least one."""
    return max(1, (shard_bytes - _HEADER_ROOM) // row_bytes)


def needed_folder(path: Path, what: str) -> Path:
    """The path itself.

    Raises:
        BadFile: it is not a folder; the message says what should be in it.
    """
    if not path.is_dir():
        raise BadFile(f"{path} is not a folder: give the folder that holds {what}")
    return path


def needed_text(path: Path, what: str) -> str:
    """The text of a file.

    Raises:
        BadFile: there is no such file, or it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadFile(f"{path.parent} has no {path.name}: {what}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from None


def needed_labels(names: tuple[str, ...], source: str) -> tuple[str, ...]:
    """The names of labels themselves, before anything is read for their sake.

    Raises:
        BadFile: the service would not take them; `source` says where they are from.
    """
    try:
        return label_names.validate_python(names)
    except ValidationError as error:
        mistake = error.errors()[0]
        place = f"name {int(mistake['loc'][0]) + 1}: " if mistake["loc"] else ""
        reason = mistake["msg"].removeprefix("Value error, ")
        raise BadFile(f"{source} gives names of labels that cannot be used: {place}{reason}") from None
