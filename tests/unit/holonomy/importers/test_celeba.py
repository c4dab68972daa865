"""CelebA's layout, right and wrong."""

from pathlib import Path

import numpy as np
import pytest

from holonomy import BadFile
from holonomy.importers.celeba import open_folder
from holonomy.importers.pictures import Square
from tests.support.layouts import NAMES, write_celeba

SQUARE = Square(crop=None, size=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_celeba(tmp_path)


def test_splits_follow_the_partition_file(folder: Path) -> None:
    source = open_folder(folder, SQUARE)
    assert source.names == NAMES
    assert source.files == {"train": ["000001.jpg", "000002.jpg", "000003.jpg"], "test": ["000005.jpg", "000006.jpg"]}
    assert source.labels["train"].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert source.labels["test"].tolist() == [[0, 0, 1], [1, 0, 1]]


def test_the_valid_part_can_be_the_test_split(folder: Path) -> None:
    source = open_folder(folder, SQUARE, test_split="valid")
    assert source.files["test"] == ["000004.jpg"]
    assert source.count("train") == 3


def test_pieces_hold_as_many_as_fit(folder: Path) -> None:
    source = open_folder(folder, SQUARE)
    parts = list(source.pieces("train", shard_bytes=4096 + 2 * (3 * 64 + 3)))
    assert [part["images"].shape for part in parts] == [(2, 3, 8, 8), (1, 3, 8, 8)]
    whole = next(source.pieces("train"))
    for name in ("images", "labels"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name])
        assert whole[name].dtype == np.uint8


ATTRIBUTES, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (ATTRIBUTES, "6\n", "six\n", "should start with the number of pictures and a line of attribute names"),
        (ATTRIBUTES, "6\n", "\N{SUPERSCRIPT TWO}\n", "should start with the number of pictures and a line"),
        (ATTRIBUTES, "6\n", "9" * 5_000 + "\n", "should start with the number of pictures and a line"),
        (
            ATTRIBUTES,
            "Bald",
            "a" * 201,
            "line 2 of list_attr_celeba.txt gives names .*: name .*at most 200 characters",
        ),
        (PARTITION, "000002.jpg 0", "000001.jpg 2", "line 2 of .* lists 000001.jpg again: a picture is in one part"),
        (ATTRIBUTES, "6\n", "7\n", "says 7 pictures but has lines for 6: fetch it again"),
        (
            ATTRIBUTES,
            "000002.jpg  1",
            "000002.jpg  0",
            "line 4 of .* should hold a file name and 3",
        ),
        (ATTRIBUTES, "000002.jpg  1", "000002.jpg  1  1", "line 4 of .* should hold a file name"),
        (ATTRIBUTES, "000002.jpg", "900002.jpg", "has no line for 000002.jpg, which list_eval_partition.txt lists"),
        (
            PARTITION,
            "000002.jpg 0",
            "000002.jpg 3",
            "line 2 of .* and 0, 1 or 2; it is '000002.jpg 3'",
        ),
        (PARTITION, "000002.jpg 0", "", "line 2 of list_eval_partition.txt .* it is ''"),
        (PARTITION, " 2", " 1", "puts no picture into part 2: the test split would be empty"),
        (ATTRIBUTES, "Bald", "B\N{LATIN SMALL LETTER A WITH DIAERESIS}ld", None),
    ],
)
def test_each_mistake_has_a_line(folder: Path, name: str, old: str, new: str, message: str | None) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8" if message else "latin-1")
    with pytest.raises(BadFile, match=message or "list_attr_celeba.txt cannot be read: 'utf-8' codec"):
        open_folder(folder, SQUARE)


def test_labels_have_names_of_their_own(folder: Path) -> None:
    path = folder / ATTRIBUTES
    first, second, *_ = NAMES
    path.write_text(path.read_text().replace(f"{first} {second}", f"{first} {first}", 1))
    with pytest.raises(BadFile, match=f"each label has a name of its own; '{first}' is there more than once"):
        open_folder(folder, SQUARE)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (ATTRIBUTES, r"has no list_attr_celeba.txt: CelebA is img_align_celeba/, list_attr"),
        (PARTITION, r"has no list_eval_partition.txt"),
        ("img_align_celeba", r"img_align_celeba is not a folder: give the folder that holds the pictures of CelebA"),
    ],
)
def test_each_part_is_needed(folder: Path, gone: str, message: str) -> None:
    (folder / gone).rename(folder / "elsewhere")
    with pytest.raises(BadFile, match=message):
        open_folder(folder, SQUARE)


def test_a_picture_that_is_listed_must_be_there(folder: Path) -> None:
    (folder / "img_align_celeba" / "000002.jpg").unlink()
    with pytest.raises(BadFile, match=r"000002.jpg is not there: fetch the dataset again"):
        list(open_folder(folder, SQUARE).pieces("train"))
