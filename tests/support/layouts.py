"""Tiny dataset folders in the layouts that importers read."""

from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ("Bald", "Black_Hair", "Smiling")
PARTS = (0, 0, 0, 1, 2, 2)


def picture(path: Path, number: int, width: int = 12, height: int = 16) -> np.ndarray:
    """A random picture, (height, width, 3); only a PNG gives the same pixels back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def write_celeba(folder: Path, parts: tuple[int, ...] = PARTS) -> Path:
    """Pictures of 12×16 with three attributes: of picture k (from 0), attribute a holds when bit a of k is set."""
    files = [f"{number + 1:06d}.jpg" for number in range(len(parts))]
    rows = [
        f"{file}  {'  '.join('1' if number >> bit & 1 else '-1' for bit in range(len(NAMES)))}"
        for number, file in enumerate(files)
    ]
    for number, file in enumerate(files):
        picture(folder / "img_align_celeba" / file, number)
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(len(parts)), " ".join(NAMES) + " ", *rows]) + "\n")
    partition = "".join(f"{file} {part}\n" for file, part in zip(files, parts, strict=True))
    (folder / "list_eval_partition.txt").write_text(partition)
    return folder


def write_picture_folders(folder: Path) -> Path:
    """Classes `cat` (3 train, 1 test) and `dog` (2 and 2), pictures of 12×16 in PNG."""
    for split, counts in (("train", {"cat": 3, "dog": 2}), ("test", {"cat": 1, "dog": 2})):
        for label, (name, count) in enumerate(counts.items()):
            for number in range(count):
                picture(folder / split / name / f"{number}.png", 10 * label + number)
    return folder


REVIEWS = {
    "neg": ("A dull film.<br /><br />Dull, dull plot!", "I slept through the dull plot", "Bad"),
    "pos": ("A bright film, a bright plot.", "I loved the bright film!"),
}


def write_imdb(folder: Path) -> Path:
    """Reviews of both classes in both splits, and one without a label."""
    for split in ("train", "test"):
        for name, texts in REVIEWS.items():
            (folder / split / name).mkdir(parents=True)
            for number, text in enumerate(texts):
                (folder / split / name / f"{number}_5.txt").write_text(text)
    (folder / "train" / "unsup").mkdir()
    (folder / "train" / "unsup" / "0_0.txt").write_text("Unheard words")
    return folder
