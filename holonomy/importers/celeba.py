"""CelebA in its official layout: `img_align_celeba/*.jpg`, `list_attr_celeba.txt` and `list_eval_partition.txt`.

The attribute file starts with the number of images and the names of the attributes; then each line has a file name
and one -1 or 1 per attribute. Each line of the partition file has a file name and 0 (train), 1 (valid) or 2 (test).
Source: Z. Liu, P. Luo, X. Wang, X. Tang, Deep Learning Face Attributes in the Wild, ICCV 2015.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from holonomy.errors import BadFile
from holonomy.importers.pictures import CHANNELS, FILTER, Square, decoder
from holonomy.importers.source import SHARD_BYTES, Arrays, Bytes, needed_folder, needed_labels, needed_text, rows_of
from schemas.datasets import ImagesManifest, Pictures, Shard, SplitName

IMAGES, ATTRIBUTES, PARTITION = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
LAYOUT = f"{IMAGES}/, {ATTRIBUTES} and {PARTITION}"
TestSplit = Literal["test", "valid"]
PARTITIONS: dict[str, int] = {"train": 0, "valid": 1, "test": 2}
"""Numbers of the parts in the partition file."""
_ATTRIBUTE_VALUES = {"-1": 0, "1": 1}
_COUNT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class CelebA:
    """A checked folder.

    Attributes:
        folder: Where it is.
        names: K attribute names.
        files: File names by split.
        labels: (N, K) of 0 and 1 by split.
        square: How pictures are cut and scaled.
        test_split: Part of the source that is the test split.
    """

    folder: Path
    names: tuple[str, ...]
    files: dict[SplitName, list[str]]
    labels: dict[SplitName, Bytes]
    square: Square
    test_split: TestSplit

    def count(self, split: SplitName) -> int:
        """Examples in a split."""
        return len(self.files[split])

    def pieces(self, split: SplitName, shard_bytes: int = SHARD_BYTES) -> Iterator[Arrays]:
        """`images` (n, 3, size, size) and `labels` (n, K) in the order of the partition file.

        Raises:
            BadFile: a picture cannot be decoded, or is smaller than the crop.
        """
        rows = rows_of(CHANNELS * self.square.size**2 + len(self.names), shard_bytes)
        files, labels = self.files[split], self.labels[split]
        for start in range(0, len(files), rows):
            part = files[start : start + rows]
            images = np.stack([self.square.read(self.folder / IMAGES / name) for name in part])
            yield {"images": images, "labels": labels[start : start + rows]}

    def manifest(self, shards: tuple[Shard, ...]) -> ImagesManifest:
        """What the service keeps of it."""
        return ImagesManifest(
            channels=CHANNELS,
            height=self.square.size,
            width=self.square.size,
            labels=self.names,
            label_kind="independent",
            preparation=Pictures(
                source="celeba",
                test_split=self.test_split,
                crop=self.square.crop,
                size=self.square.size,
                filter=FILTER,
                decoder=decoder(),
            ),
            shards=shards,
        )


def open_folder(folder: str | Path, square: Square, test_split: TestSplit = "test") -> CelebA:
    """Read and check the attribute and the partition file; pictures are looked at when their turn comes.

    Raises:
        BadFile: a file is missing, or has a line that is not what it should be.
    """
    root = needed_folder(Path(folder), LAYOUT)
    needed_folder(root / IMAGES, "the pictures of CelebA")
    names, attributes = _attributes(root / ATTRIBUTES)
    partition = _partition(root / PARTITION)
    missing = [file for file in partition if file not in attributes]
    if missing:
        raise BadFile(f"{ATTRIBUTES} has no line for {missing[0]}, which {PARTITION} lists: fetch both files again")
    wanted: dict[SplitName, int] = {"train": PARTITIONS["train"], "test": PARTITIONS[test_split]}
    files: dict[SplitName, list[str]] = {}
    labels: dict[SplitName, Bytes] = {}
    for split, number in wanted.items():
        files[split] = [file for file, part in partition.items() if part == number]
        if not files[split]:
            raise BadFile(f"{PARTITION} puts no picture into part {number}: the {split} split would be empty")
        labels[split] = np.array([attributes[file] for file in files[split]], dtype=np.uint8)
    return CelebA(root, names, files, labels, square, test_split)


def _attributes(path: Path) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    lines = needed_text(path, f"CelebA is {LAYOUT}").splitlines()
    if len(lines) < 2 or not _COUNT.fullmatch(lines[0].strip()):
        raise BadFile(f"{path.name} should start with the number of pictures and a line of attribute names")
    names = needed_labels(tuple(lines[1].split()), f"line 2 of {path.name}")
    found = dict[str, tuple[int, ...]]()
    for number, line in enumerate(lines[2:], start=3):
        file, *values = line.split() or [""]
        if len(values) != len(names) or not _ATTRIBUTE_VALUES.keys() >= set(values):
            raise BadFile(f"line {number} of {path.name} should hold a file name and {len(names)} values -1 or 1")
        found[file] = tuple(_ATTRIBUTE_VALUES[value] for value in values)
    if len(found) != int(lines[0]):
        raise BadFile(f"{path.name} says {lines[0].strip()} pictures but has lines for {len(found)}: fetch it again")
    return names, found


def _partition(path: Path) -> dict[str, int]:
    found = dict[str, int]()
    known = {str(number): number for number in PARTITIONS.values()}
    for number, line in enumerate(needed_text(path, f"CelebA is {LAYOUT}").splitlines(), start=1):
        file, _, part = line.strip().partition(" ")
        if part.strip() not in known:
            raise BadFile(f"line {number} of {path.name} should hold a file name and 0, 1 or 2; it is {line[:60]!r}")
        if file in found:
            raise BadFile(f"line {number} of {path.name} lists {file} again: a picture is in one part")
        found[file] = known[part.strip()]
    return found
