"""Folders of pictures: `train/<class>/*` and `test/<class>/*`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holonomy.errors import BadFile
from holonomy.importers.classes import Labelled, class_names, labelled_files
from holonomy.importers.pictures import CHANNELS, FILTER, Square, decoder
from holonomy.importers.source import SHARD_BYTES, Arrays, needed_folder, rows_of
from schemas.datasets import SPLITS, ImagesManifest, Pictures, Shard, SplitName

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_LABEL_BYTES = 2


@dataclass(frozen=True)
class Folders:
    """A checked folder.

    Attributes:
        names: Class names, sorted.
        files: Files with the numbers of their classes, by split.
        square: How pictures are cut and scaled.
    """

    names: tuple[str, ...]
    files: dict[SplitName, list[Labelled]]
    square: Square

    def count(self, split: SplitName) -> int:
        """Examples in a split."""
        return len(self.files[split])

    def pieces(self, split: SplitName, shard_bytes: int = SHARD_BYTES) -> Iterator[Arrays]:
        """`images` (n, 3, size, size) and `labels` (n,), classes taking turns.

        Raises:
            BadFile: a picture cannot be decoded, or is smaller than the crop.
        """
        rows = rows_of(CHANNELS * self.square.size**2 + _LABEL_BYTES, shard_bytes)
        files = self.files[split]
        for start in range(0, len(files), rows):
            part = files[start : start + rows]
            images = np.stack([self.square.read(path) for path, _ in part])
            yield {"images": images, "labels": np.array([label for _, label in part], dtype=np.uint16)}

    def manifest(self, shards: tuple[Shard, ...]) -> ImagesManifest:
        """What the service keeps of it."""
        return ImagesManifest(
            channels=CHANNELS,
            height=self.square.size,
            width=self.square.size,
            labels=self.names,
            label_kind="classes",
            preparation=Pictures(
                source="folders", crop=self.square.crop, size=self.square.size, filter=FILTER, decoder=decoder()
            ),
            shards=shards,
        )


def open_folder(folder: str | Path, square: Square) -> Folders:
    """List the files of both splits; pictures are looked at when their turn comes.

    Raises:
        BadFile: a split or class is missing or empty, or the splits have different classes.
    """
    root = needed_folder(Path(folder), "train/<class>/ and test/<class>/")
    names = class_names(root / "train")
    others = sorted(set(class_names(root / "test")) ^ set(names))
    if others:
        raise BadFile(f"both splits must have the same classes; {others[0]!r} is only in one of train and test")
    return Folders(names, {split: labelled_files(root / split, names, SUFFIXES) for split in SPLITS}, square)
