"""IMDb's layout, right and wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from holonomy import BadFile
from holonomy.importers.imdb import open_folder
from tests.support.layouts import write_imdb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_imdb(tmp_path)


def test_texts_become_tokens_of_one_length(folder: Path) -> None:
    source = open_folder(folder, length=5, vocabulary=200)
    (train,) = source.pieces("train")
    assert train["labels"].tolist() == [0, 1, 0, 1, 0]
    assert (train["tokens"].shape, train["tokens"].dtype) == ((5, 5), np.uint16)
    expected = source.tokenizer.encode(["A dull film.  Dull, dull plot!"], 5)[0]
    np.testing.assert_array_equal(train["tokens"][0], expected)
    assert train["tokens"][4].tolist()[1:] == [0, 0, 0, 0]  # "Bad", filled up at the end
    assert [len(part["labels"]) for part in source.pieces("test", shard_bytes=4096 + 3 * 12)] == [3, 2]


def test_the_tokenizer_knows_the_train_split_alone(folder: Path) -> None:
    before = open_folder(folder, 5, 200).tokenizer.json()
    (folder / "test" / "neg" / "0_5.txt").write_text("zzz zzz zzz")
    (folder / "train" / "unsup" / "0_0.txt").write_text("yyy yyy yyy")
    assert open_folder(folder, 5, 200).tokenizer.json() == before
    (folder / "train" / "neg" / "0_5.txt").write_text("zzz zzz zzz")
    assert open_folder(folder, 5, 200).tokenizer.json() != before


def test_both_classes_are_needed(folder: Path) -> None:
    shutil.rmtree(folder / "test" / "pos")
    with pytest.raises(BadFile, match="pos is not a folder: give the folder that holds the examples of 'pos'"):
        open_folder(folder, 5, 200)


def test_a_class_without_texts(folder: Path) -> None:
    for path in (folder / "train" / "neg").iterdir():
        path.unlink()
    with pytest.raises(BadFile, match=r"neg has no files that end in \.txt"):
        open_folder(folder, 5, 200)


def test_a_text_that_is_not_utf8(folder: Path) -> None:
    (folder / "train" / "neg" / "0_5.txt").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(BadFile, match=r"0_5\.txt cannot be read: 'utf-8' codec"):
        open_folder(folder, 5, 200)
