"""IDX files, right and wrong."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from holonomy import BadFile
from holonomy.importers.idx import open_folder
from tests.support.contracts_client import write_idx_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_idx_folder(tmp_path)
    return tmp_path


def test_pieces_put_together_are_the_whole(tmp_path: Path) -> None:
    images = write_idx_folder(tmp_path, train=23)
    source = open_folder(tmp_path)
    parts = list(source.pieces("train", shard_bytes=4096 + 5 * 21))
    assert [len(part["labels"]) for part in parts] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate([part["images"] for part in parts]), images)
    np.testing.assert_array_equal(np.concatenate([part["labels"] for part in parts]), np.arange(23) % 3)
    assert (source.shape, source.labels) == ((4, 5), ("0", "1", "2"))


def test_the_dotted_spelling_is_found(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").rename(folder / "t10k-labels.idx1-ubyte")
    assert open_folder(folder).count("test") == 3


def _images(count: int, height: int, width: int, content: bytes) -> bytes:
    return struct.pack(">HBB3I", 0, 8, 3, count, height, width) + content


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t10k-images-idx3-ubyte", None, "has no t10k-images-idx3-ubyte"),
        ("t10k-images-idx3-ubyte", b"\x89PNG0000", "expected magic 0x00000803, came 0x89504e47"),
        ("t10k-images-idx3-ubyte", b"\x00", "ends early: 4 more bytes were expected, 1 came"),
        ("t10k-images-idx3-ubyte", _images(3, 4, 4, bytes(48)), "holds images of 4×4 but .* of 4×5"),
        ("t10k-images-idx3-ubyte", _images(0, 4, 5, b""), "is empty: its header says 0 images of 4×5"),
        ("t10k-images-idx3-ubyte", _images(4, 4, 5, bytes(80)), "has 3 labels but .* has 4 images"),
        ("t10k-labels-idx1-ubyte", struct.pack(">HBBI", 0, 8, 1, 3) + b"12", "3 more bytes were expected, 2 came"),
        ("t10k-labels-idx1-ubyte", struct.pack(">HBBI", 0, 8, 1, 3) + b"1234", "longer than its header says"),
        ("t10k-labels-idx1-ubyte", struct.pack(">HBBI", 0, 9, 1, 3) + b"123", "came 0x00000901"),
    ],
)
def test_each_mistake_has_a_line(folder: Path, name: str, content: bytes | None, message: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(BadFile, match=message):
        open_folder(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(_images(7, 4, 5, bytes(139)), mtime=0), "ends early"),
        (gzip.compress(_images(7, 4, 5, bytes(141)), mtime=0), "longer than its header says"),
        (gzip.compress(_images(7, 4, 5, bytes(140)), mtime=0)[:-9], "cannot be read"),
    ],
)
def test_damaged_images_are_found_while_reading(folder: Path, content: bytes, message: str) -> None:
    (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(BadFile, match=message):
        list(open_folder(folder).pieces("train"))


def test_not_gzip_at_all(folder: Path) -> None:
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"not gzip")
    with pytest.raises(BadFile, match="cannot be read: Not a gzipped file"):
        open_folder(folder)


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="is not a folder"):
        open_folder(tmp_path / "nowhere")
