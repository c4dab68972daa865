from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from holonomy import BadFile
from holonomy.importers.pictures import Square
from tests.support.layouts import picture


def test_the_centred_square_is_cut_out(tmp_path: Path) -> None:
    pixels = picture(tmp_path / "a.png", 0, width=13, height=16)
    found = Square(crop=8, size=8).read(tmp_path / "a.png")
    np.testing.assert_array_equal(found, pixels[4:12, 2:10].transpose(2, 0, 1))
    largest = Square(crop=None, size=13).read(tmp_path / "a.png")
    np.testing.assert_array_equal(largest, pixels[1:14].transpose(2, 0, 1))


def test_scaling_down_averages(tmp_path: Path) -> None:
    """Without antialiasing the stripes would come out black or white."""
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    found = Square(crop=None, size=4).read(tmp_path / "a.png")
    assert abs(found.astype(int) - 128).max() < 20


def test_grey_and_transparent_pictures_become_colours(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 7).save(tmp_path / "grey.png")
    Image.new("RGBA", (4, 4), (1, 2, 3, 255)).save(tmp_path / "alpha.png")
    assert Square(None, 4).read(tmp_path / "grey.png")[:, 0, 0].tolist() == [7, 7, 7]
    assert Square(None, 4).read(tmp_path / "alpha.png")[:, 0, 0].tolist() == [1, 2, 3]


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(
        Square(None, 4).read(tmp_path / "a.png"), np.asarray(image)[::-1, ::-1].transpose(2, 0, 1)
    )


def _cut(path: Path) -> None:
    picture(path, 0, 64, 64)
    path.write_bytes(path.read_bytes()[:-200])


def _junk(path: Path) -> None:
    path.write_bytes(b"no picture")


def _huge(path: Path) -> None:
    path.write_bytes(b"P6 60000 60000 255\n")


@pytest.mark.parametrize(
    ("make", "square", "message"),
    [
        (
            lambda path: picture(path, 0, 12, 16),
            Square(13, 8),
            r"has 12×16 pixels, too few for a crop of 13: choose a",
        ),
        (_cut, Square(None, 8), "a.png cannot be decoded: .*; fetch it again or take it out"),
        (_junk, Square(None, 8), "a.png cannot be decoded: cannot identify image file"),
        (_huge, Square(None, 8), "a.png cannot be decoded: .* exceeds limit"),
        (lambda path: None, Square(None, 8), "a.png is not there: fetch the dataset again"),
    ],
)
def test_each_mistake_has_a_line(tmp_path: Path, make, square: Square, message: str) -> None:
    make(tmp_path / "a.png")
    with pytest.raises(BadFile, match=message):
        square.read(tmp_path / "a.png")
