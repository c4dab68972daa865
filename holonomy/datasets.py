"""Datasets of the service: import from IDX files, list."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import safetensors.numpy
from pydantic import TypeAdapter, ValidationError

from holonomy.connection import Connection
from holonomy.errors import Refused, explain
from holonomy.idx import SHARD_BYTES, IdxFolder, open_folder, pieces
from schemas.base import Name
from schemas.datasets import Dataset, DatasetImport, DatasetManifest, Shard

Report = Callable[[int, int], None]
"""Told after each shard: examples done, examples in all."""


def _check_name(name: str) -> None:
    """Before anything is sent: a name that is refused at the end has cost the whole upload."""
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise Refused(
            "the name of a dataset is up to 100 letters, digits, dots, dashes and underscores, the first a letter or "
            f"digit; came {name!r}"
        ) from None


class Datasets:
    """Datasets that specs can name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> tuple[Dataset, ...]:
        """Every imported dataset."""
        return self._connection.get("/v1/datasets", tuple[Dataset, ...])

    def import_idx(
        self,
        name: str,
        folder: str | Path,
        *,
        report: Report = lambda _done, _total: None,
        shard_bytes: int = SHARD_BYTES,
    ) -> Dataset:
        """Import a folder of IDX files under a name, for `Idx(name=…)` in specs.

        Shards travel one at a time and are named by their digest, so that what the service has is not sent again and
        an interrupted import can simply be repeated. The name appears once everything is there.

        Args:
            name: Name for specs; giving it again points it to the new data, specs pinned before keep the old.
            folder: Folder with the four files, plain or gzipped.
            report: Told after each shard: examples done, examples in all.
            shard_bytes: Largest shard.

        Raises:
            BadFile: a file is missing, damaged, or does not fit the others.
            Refused: the name is not allowed, or the service refused the data.
        """
        _check_name(name)
        source = open_folder(folder)
        there = {shard.sha256 for dataset in self.list() for shard in dataset.manifest.shards}
        shards = tuple(self._upload(source, there, report, shard_bytes))
        try:
            manifest = DatasetManifest(shape=source.shape, labels=source.labels, shards=shards)
            request = DatasetImport(name=name, manifest=manifest)
        except ValidationError as error:
            raise Refused(explain(error)) from None
        return self._connection.post("/v1/datasets", Dataset, request, repeatable=True)

    def _upload(self, source: IdxFolder, there: set[str], report: Report, shard_bytes: int) -> Iterator[Shard]:
        done, total = 0, source.train.count + source.test.count
        for split in (source.train, source.test):
            for images, labels in pieces(split, shard_bytes):
                content = safetensors.numpy.save({"images": images, "labels": labels})
                sha256 = hashlib.sha256(content).hexdigest()
                if sha256 not in there:
                    self._connection.put(f"/v1/datasets/shards/{sha256}", content)
                done += len(labels)
                report(done, total)
                yield Shard(sha256=sha256, size_bytes=len(content), split=split.split, count=len(labels))
