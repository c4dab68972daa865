"""Datasets in IDX files, the format of MNIST: four files in a folder, plain or gzipped, read piece by piece.

An IDX file starts with two zero bytes, the element type (8 for unsigned bytes), the number of axes, and the extent of
each axis as a big-endian 32-bit integer; the elements follow.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np
from numpy.typing import NDArray

from holonomy.errors import BadFile

Split = Literal["train", "test"]
Bytes = NDArray[np.uint8]

SHARD_BYTES = 32 * 2**20
"""Largest shard made; one shard at a time is held in memory."""
_HEADER_ROOM = 4096
_STEMS: dict[Split, str] = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTE = 8


@dataclass(frozen=True)
class IdxSplit:
    """One split of a dataset: its image file, and its labels in memory (one byte per example)."""

    split: Split
    images: Path
    count: int
    shape: tuple[int, int]
    labels: Bytes


@dataclass(frozen=True)
class IdxFolder:
    """The four files of a dataset, their headers and labels checked."""

    train: IdxSplit
    test: IdxSplit

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of an image."""
        return self.train.shape

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels: the numbers from 0 to the largest label that occurs."""
        largest = max(int(self.train.labels.max()), int(self.test.labels.max()))
        return tuple(str(label) for label in range(largest + 1))


def open_folder(folder: str | Path) -> IdxFolder:
    """Find and check the four files: `{train,t10k}-{images,labels}-idx{3,1}-ubyte`, each plain or with `.gz`.

    Raises:
        BadFile: a file is missing, is not IDX, or does not fit the others.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadFile(f"{root} is not a folder: give the folder that holds the four IDX files")
    train, test = _open_split(root, "train"), _open_split(root, "test")
    if train.shape != test.shape:
        raise BadFile(
            f"{test.images.name} holds images of {_times(test.shape)} but {train.images.name} of "
            f"{_times(train.shape)}: both splits must have one size"
        )
    return IdxFolder(train, test)


def pieces(split: IdxSplit, shard_bytes: int = SHARD_BYTES) -> Iterator[tuple[Bytes, Bytes]]:
    """Images (n, height, width) and labels (n,) in order, as many at a time as fit a shard.

    Raises:
        BadFile: the image file ends early, goes on too long, or its compression is damaged.
    """
    height, width = split.shape
    rows = max(1, (shard_bytes - _HEADER_ROOM) // (height * width + 1))
    with _open(split.images) as file:
        _header(file, split.images, axes=3)
        for start in range(0, split.count, rows):
            stop = min(start + rows, split.count)
            content = _read(file, (stop - start) * height * width, split.images)
            yield np.frombuffer(content, np.uint8).reshape(stop - start, height, width), split.labels[start:stop]
        _expect_end(file, split.images)


def _open_split(root: Path, split: Split) -> IdxSplit:
    stem = _STEMS[split]
    images, labels = _find(root, f"{stem}-images", 3), _find(root, f"{stem}-labels", 1)
    with _open(images) as file:
        count, height, width = _header(file, images, axes=3)
    if 0 in (count, height, width):
        raise BadFile(f"{images.name} is empty: its header says {count} images of {height}×{width}")
    with _open(labels) as file:
        (label_count,) = _header(file, labels, axes=1)
        if label_count != count:
            raise BadFile(f"{labels.name} has {label_count} labels but {images.name} has {count} images")
        values = np.frombuffer(_read(file, label_count, labels), np.uint8)
        _expect_end(file, labels)
    return IdxSplit(split, images, count, (height, width), values)


def _find(root: Path, stem: str, axes: int) -> Path:
    """Both spellings in use: `train-images-idx3-ubyte` and `train-images.idx3-ubyte`."""
    names = [f"{stem}{dot}idx{axes}-ubyte{suffix}" for dot in "-." for suffix in ("", ".gz")]
    found = next((root / name for name in names if (root / name).is_file()), None)
    if found is None:
        raise BadFile(f"{root} has no {names[0]} (plain or .gz): an IDX dataset is four files, see the MNIST format")
    return found


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))


def _header(file: IO[bytes], path: Path, *, axes: int) -> tuple[int, ...]:
    zero, kind, found = struct.unpack(">HBB", _read(file, 4, path))
    if zero != 0 or kind != _UNSIGNED_BYTE or found != axes:
        raise BadFile(
            f"{path.name} does not start as an IDX file of unsigned bytes with {axes} axes: expected magic "
            f"{(_UNSIGNED_BYTE << 8) + axes:#010x}, came {(zero << 16) + (kind << 8) + found:#010x}"
        )
    return struct.unpack(f">{axes}I", _read(file, 4 * axes, path))


def _read(file: IO[bytes], size: int, path: Path) -> bytes:
    try:
        content = file.read(size)
    except (EOFError, OSError, zlib.error) as error:
        raise BadFile(f"{path.name} cannot be read: {error}; fetch it again") from None
    if len(content) != size:
        raise BadFile(f"{path.name} ends early: {size} more bytes were expected, {len(content)} came; fetch it again")
    return content


def _expect_end(file: IO[bytes], path: Path) -> None:
    try:
        extra = file.read(1)
    except (EOFError, OSError, zlib.error) as error:
        raise BadFile(f"{path.name} cannot be read to its end: {error}; fetch it again") from None
    if extra:
        raise BadFile(f"{path.name} is longer than its header says; fetch it again")


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(str(extent) for extent in shape)
