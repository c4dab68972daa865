from pathlib import Path

import pytest

from holonomy import BadFile
from holonomy.importers.recognise import recognised
from tests.support.contracts_client import write_idx_folder
from tests.support.layouts import write_celeba, write_imdb, write_picture_folders


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_idx_folder, "idx"),
        (write_celeba, "celeba"),
        (write_picture_folders, "folders"),
        (write_imdb, "imdb"),
    ],
)
def test_each_layout_is_known(tmp_path: Path, write, name: str) -> None:
    write(tmp_path)
    assert recognised(tmp_path) == name


def test_pictures_of_neg_and_pos_are_no_reviews(tmp_path: Path) -> None:
    write_picture_folders(tmp_path)
    (tmp_path / "train" / "cat").rename(tmp_path / "train" / "neg")
    (tmp_path / "train" / "dog").rename(tmp_path / "train" / "pos")
    assert recognised(tmp_path) == "folders"


def test_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"is no dataset that can be recognised: expected the four IDX files, CelebA's"):
        recognised(tmp_path)
    with pytest.raises(BadFile, match="nowhere is not a folder: give the folder that holds the dataset"):
        recognised(tmp_path / "nowhere")
