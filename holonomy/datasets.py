"""Datasets of the service: import from folders, list."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import safetensors.numpy

from holonomy.checked import checked
from holonomy.connection import Connection
from holonomy.errors import Refused
from holonomy.importers import SHARD_BYTES, Source, celeba, folders, idx, imdb
from holonomy.importers.celeba import TestSplit
from holonomy.importers.pictures import Square
from holonomy.names import check_name
from schemas.datasets import MAX_EXTENT, SPLITS, Dataset, DatasetImport, Shard, StoredTokenizer

Report = Callable[[int, int], None]
"""Told after each shard: examples done, examples in all."""

IMAGE_SIZE, TEXT_LENGTH, VOCABULARY = 64, 256, 8_192
"""What pictures and texts become when nothing else is asked for."""


def _unheard(_done: int, _total: int) -> None:
    """Nobody wants to know."""


def _check_extent(name: str, value: int | None, least: int = 1) -> None:
    if value is not None and not least <= value <= MAX_EXTENT:
        raise Refused(f"{name} is a whole number from {least} to {MAX_EXTENT:,}; came {value}")


class Datasets:
    """Datasets that specs can name.

    Imports send shards one at a time, named by their digest, so that what the service has is not sent again and an
    interrupted import can simply be repeated. The name appears once everything is there; giving it again points it to
    the new data, and specs pinned before keep the old.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> tuple[Dataset, ...]:
        """Every imported dataset."""
        return self._connection.get("/v1/datasets", tuple[Dataset, ...])

    def import_idx(
        self, name: str, folder: str | Path, *, report: Report = _unheard, shard_bytes: int = SHARD_BYTES
    ) -> Dataset:
        """Import a folder of IDX files under a name, for `Idx(name=…)` in specs.

        Args:
            name: Name for specs.
            folder: Folder with the four files, plain or gzipped.
            report: Told after each shard: examples done, examples in all.
            shard_bytes: Largest shard.

        Raises:
            BadFile: a file is missing, damaged, or does not fit the others.
            Refused: the name is not allowed, or the service refused the data.
        """
        check_name("dataset", name)  # one that is refused at the end has cost the whole upload
        return self._import(name, idx.open_folder(folder), report, shard_bytes)

    def import_celeba(
        self,
        name: str,
        folder: str | Path,
        *,
        crop: int | None = None,
        size: int = IMAGE_SIZE,
        test_split: TestSplit = "test",
        report: Report = _unheard,
        shard_bytes: int = SHARD_BYTES,
    ) -> Dataset:
        """Import CelebA, or anything in its official layout, under a name, for `Images(name=…)` in specs.

        Pictures are cropped to a centred square and scaled with Pillow's antialiased bilinear filter; both are
        recorded with the data. Labels are the attributes, independent of one another.

        Args:
            name: Name for specs.
            folder: Folder with `img_align_celeba/`, `list_attr_celeba.txt` and `list_eval_partition.txt`.
            crop: Side of the square that is cut out; by default the largest one, which is 178 in CelebA.
            size: Side of the stored images.
            test_split: Which of CelebA's parts becomes the test split; the other is left out.
            report: Told after each shard: examples done, examples in all.
            shard_bytes: Largest shard.

        Raises:
            BadFile: a file is missing, damaged, or does not fit the others.
            Refused: the name or a number is not allowed, or the service refused the data.
            Unconfigured: Pillow is not installed.
        """
        check_name("dataset", name)
        _check_extent("crop", crop)
        _check_extent("size", size)
        return self._import(name, celeba.open_folder(folder, Square(crop, size), test_split), report, shard_bytes)

    def import_folders(
        self,
        name: str,
        folder: str | Path,
        *,
        crop: int | None = None,
        size: int = IMAGE_SIZE,
        report: Report = _unheard,
        shard_bytes: int = SHARD_BYTES,
    ) -> Dataset:
        """Import pictures in `train/<class>/` and `test/<class>/` under a name, for `Images(name=…)` in specs.

        Args:
            name: Name for specs.
            folder: Folder with `train` and `test`.
            crop: Side of the centred square that is cut out of each picture; by default the largest one.
            size: Side of the stored images.
            report: Told after each shard: examples done, examples in all.
            shard_bytes: Largest shard.

        Raises:
            BadFile: a split or class is missing or empty, or a picture is damaged.
            Refused: the name or a number is not allowed, or the service refused the data.
            Unconfigured: Pillow is not installed.
        """
        check_name("dataset", name)
        _check_extent("crop", crop)
        _check_extent("size", size)
        return self._import(name, folders.open_folder(folder, Square(crop, size)), report, shard_bytes)

    def import_imdb(
        self,
        name: str,
        folder: str | Path,
        *,
        length: int = TEXT_LENGTH,
        vocabulary: int = VOCABULARY,
        report: Report = _unheard,
        shard_bytes: int = SHARD_BYTES,
    ) -> Dataset:
        """Import IMDb's reviews under a name, for `Text(name=…)` in specs.

        A tokenizer is trained on the train split and stored with the data; `tokenizer` gives it back. The folder
        `train/unsup` has no labels and is left out.

        Args:
            name: Name for specs.
            folder: The folder `aclImdb`, with `train` and `test`, each with `neg` and `pos`.
            length: Tokens kept of each text; shorter ones are filled up with token 0 at the end.
            vocabulary: Number of tokens at most.
            report: Told after each shard: examples done, examples in all.
            shard_bytes: Largest shard.

        Raises:
            BadFile: a split or class is missing or empty, or a text is not UTF-8.
            Refused: the name or a number is not allowed, or the service refused the data.
            Unconfigured: the library `tokenizers` is not installed.
        """
        check_name("dataset", name)
        _check_extent("length", length)
        _check_extent("vocabulary", vocabulary, least=2)
        source = imdb.open_folder(folder, length, vocabulary)
        content = source.tokenizer.json()
        self._connection.put(f"/v1/datasets/tokenizers/{hashlib.sha256(content).hexdigest()}", content)
        return self._import(name, source, report, shard_bytes)

    def tokenizer(self, stored: StoredTokenizer) -> bytes:
        """A stored tokenizer as the JSON that `tokenizers.Tokenizer.from_str` reads.

        Args:
            stored: What the manifest of a text dataset says of it.

        Raises:
            NotFound: the service does not have it.
        """
        return self._connection.get_bytes(f"/v1/datasets/tokenizers/{stored.sha256}")

    def _import(self, name: str, source: Source, report: Report, shard_bytes: int) -> Dataset:
        there = {shard.sha256 for dataset in self.list() for shard in dataset.manifest.shards}
        shards = tuple(self._upload(source, there, report, shard_bytes))
        request = checked(DatasetImport, {"name": name, "manifest": source.manifest(shards)})
        return self._connection.post("/v1/datasets", Dataset, request, repeatable=True)

    def _upload(self, source: Source, there: set[str], report: Report, shard_bytes: int) -> Iterator[Shard]:
        done, total = 0, sum(source.count(split) for split in SPLITS)
        for split in SPLITS:
            for arrays in source.pieces(split, shard_bytes):
                content = safetensors.numpy.save(arrays)
                sha256 = hashlib.sha256(content).hexdigest()
                if sha256 not in there:
                    self._connection.put(f"/v1/datasets/shards/{sha256}", content)
                count = len(arrays["labels"])
                done += count
                report(done, total)
                yield Shard(sha256=sha256, size_bytes=len(content), split=split, count=count)
