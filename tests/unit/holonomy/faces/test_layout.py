"""Faces on disk: CelebA's layout, and what made them beside it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from holonomy import BadFile
from holonomy.faces import NAMES, Parameters, portrait, write
from holonomy.importers.celeba import open_folder
from holonomy.importers.pictures import Square

PARAMETERS = Parameters(count=20, size=32, seed=3, lighting=0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "new"
    write(folder, PARAMETERS)
    return folder


def test_the_importer_of_celeba_reads_it(folder: Path) -> None:
    source = open_folder(folder, Square(None, 32))
    assert source.names == NAMES
    assert (source.count("train"), source.count("test")) == (16, 2)
    assert open_folder(folder, Square(None, 32), "valid").count("test") == 2
    last = portrait(19, seed=3, size=32, lighting=0.5)
    assert source.files["test"][-1] == "000020.jpg"
    assert source.labels["test"][-1].tolist() == [name in last.traits for name in NAMES]


def test_pictures_are_close_to_what_was_drawn(folder: Path) -> None:
    with Image.open(folder / "img_align_celeba" / "000001.jpg") as image:
        assert np.abs(np.asarray(image).astype(int) - portrait(0, 3, 32, 0.5).pixels).mean() < 3


def test_the_cause_is_written_beside_it(folder: Path) -> None:
    described = json.loads((folder / "faces.json").read_text())
    assert {name: described[name] for name in ("count", "size", "seed", "lighting")} == {
        "count": 20,
        "size": 32,
        "seed": 3,
        "lighting": 0.5,
    }
    assert described["ambiguous_pairs"] == [["Black_Hair", "Brown_Hair"], ["Blond_Hair", "Gray_Hair"]]
    lit = [line.split() for line in (folder / "list_light.txt").read_text().splitlines()]
    assert [int(hidden) for _, hidden in lit] == [portrait(index, 3, 32, 0.5).hidden for index in range(20)]


def test_faces_stay_the_same_when_more_are_drawn(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "more", Parameters(count=24, size=32, seed=3, lighting=0.5))
    for name in ("000001.jpg", "000020.jpg"):
        pictures = [(root / "img_align_celeba" / name).read_bytes() for root in (folder, tmp_path / "more")]
        assert pictures[0] == pictures[1]


def test_nothing_is_written_over(folder: Path) -> None:
    with pytest.raises(BadFile, match="is not an empty folder: name a new one for the faces"):
        write(folder, PARAMETERS)
