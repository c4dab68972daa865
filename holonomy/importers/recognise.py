"""Which format a dataset folder has, from what is in it."""

from pathlib import Path
from typing import Literal

from holonomy.errors import BadFile
from holonomy.importers.celeba import IMAGES
from holonomy.importers.imdb import NAMES
from holonomy.importers.source import needed_folder

Format = Literal["idx", "celeba", "folders", "imdb"]


def recognised(folder: str | Path) -> Format:
    """The format of a folder.

    Raises:
        BadFile: it is not a folder, or looks like none of the formats.
    """
    root = needed_folder(Path(folder), "the dataset")
    if any(root.glob("*-images[-.]idx3-ubyte*")):
        return "idx"
    if (root / IMAGES).is_dir():
        return "celeba"
    train = root / "train"
    if all((train / name).is_dir() and any((train / name).glob("*.txt")) for name in NAMES):
        return "imdb"
    if train.is_dir():
        return "folders"
    raise BadFile(
        f"{root} is no dataset that can be recognised: expected the four IDX files, CelebA's {IMAGES}/, IMDb's "
        "train/{neg,pos}/*.txt, or train/<class>/ with pictures"
    )
