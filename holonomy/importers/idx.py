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
from typing import IO, cast

import numpy as np

from holonomy.errors import BadFile
from holonomy.importers.source import SHARD_BYTES, Arrays, Bytes, rows_of
from schemas.datasets import IdxManifest, Shard, SplitName

_STEMS: dict[SplitName, str] = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTE = 8


@dataclass(frozen=True)
class IdxSplit:
    """One split of a dataset: its image file, and its labels in memory (one byte per example)."""

    split: SplitName
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

    def count(self, split: SplitName) -> int:
        """Examples in a split."""
        return self._split(split).count

    def pieces(self, split: SplitName, shard_bytes: int = SHARD_BYTES) -> Iterator[Arrays]:
        """`images` (n, height, width) and `labels` (n,) in order, as many at a time as fit a shard.

        Raises:
            BadFile: the image file ends early, goes on too long, or its compression is damaged.
        """
        part = self._split(split)
        height, width = part.shape
        rows = rows_of(height * width + 1, shard_bytes)
        with _open(part.images) as file:
            _header(file, part.images, axes=3)
            for start in range(0, part.count, rows):
                stop = min(start + rows, part.count)
                content = _read(file, (stop - start) * height * width, part.images)
                images = np.frombuffer(content, np.uint8).reshape(stop - start, height, width)
                yield {"images": images, "labels": part.labels[start:stop]}
            _expect_end(file, part.images)

    def manifest(self, shards: tuple[Shard, ...]) -> IdxManifest:
        """What the service keeps of it."""
        return IdxManifest(shape=self.shape, labels=self.labels, shards=shards)

    def _split(self, split: SplitName) -> IdxSplit:
        return self.train if split == "train" else self.test


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


def _open_split(root: Path, split: SplitName) -> IdxSplit:
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
