"""Folders of pictures, right and wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from holonomy import BadFile
from holonomy.importers.folders import open_folder
from holonomy.importers.pictures import Square
from tests.support.layouts import picture, write_picture_folders

SQUARE = Square(crop=None, size=12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_picture_folders(tmp_path)


def test_classes_take_turns(folder: Path) -> None:
    (folder / "train" / "cat" / "notes.txt").write_text("no picture")
    (folder / "train" / ".cache").mkdir()
    source = open_folder(folder, SQUARE)
    assert source.names == ("cat", "dog")
    (train,) = source.pieces("train")
    assert train["labels"].tolist() == [0, 1, 0, 1, 0]
    assert train["labels"].dtype == np.uint16
    expected = picture(folder / "again.png", 11)[2:14].transpose(2, 0, 1)
    np.testing.assert_array_equal(train["images"][3], expected)


def test_pieces_hold_as_many_as_fit(folder: Path) -> None:
    parts = list(open_folder(folder, SQUARE).pieces("train", shard_bytes=4096 + 2 * (3 * 144 + 2)))
    assert [len(part["labels"]) for part in parts] == [2, 2, 1]


def _empty(folder: Path) -> None:
    for path in (folder / "test" / "dog").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: shutil.rmtree(folder / "test"),
            "test is not a folder: give the folder that",
        ),
        (
            lambda folder: shutil.rmtree(folder / "test" / "dog"),
            "the same classes; 'dog' is only in one of",
        ),
        (
            lambda folder: (folder / "train" / "dog").rename(folder / "train" / ("d" * 201)),
            "train/ gives names of labels that cannot be used: name 2: .*at most 200 characters",
        ),
        (_empty, "dog has no files that end in .bmp, .gif"),
        (lambda folder: [shutil.rmtree(path) for path in (folder / "train").iterdir()], "one per class; it holds 0"),
    ],
)
def test_each_mistake_has_a_line(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(BadFile, match=message):
        open_folder(folder, SQUARE)
