"""Imported datasets: a manifest of checksummed shards. The digest of the manifest pins the data for ever."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Digest, Name, Spec

MAX_SHARD_BYTES = 64 * 2**20


class Shard(Spec):
    """A safetensors object with `images` (n, height, width) uint8 and `labels` (n,) uint8."""

    sha256: Digest
    """Digest of its bytes; its key in the bucket is `datasets/shards/<sha256>.safetensors`."""
    size_bytes: Annotated[int, Field(ge=1, le=MAX_SHARD_BYTES)]
    """Length."""
    split: Literal["train", "test"]
    """Split it belongs to."""
    count: Annotated[int, Field(ge=1)]
    """Examples in it."""


class DatasetManifest(Spec):
    """Shards in order: example k of a split is the k-th over the split's shards."""

    kind: Literal["idx"] = "idx"
    shape: tuple[int, int]
    """Height and width of an image."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the labels."""
    shards: Annotated[tuple[Shard, ...], Field(min_length=1)]
    """All shards."""

    def count(self, split: Literal["train", "test"]) -> int:
        """Examples in a split."""
        return sum(shard.count for shard in self.shards if shard.split == split)


class DatasetImport(Spec):
    """The request that names a dataset once its shards are uploaded."""

    name: Name
    """Name for `idx` specs; naming again points the name to the new digest."""
    manifest: DatasetManifest
    """What was uploaded."""


class Dataset(Spec):
    """An imported dataset."""

    digest: Digest
    """SHA-256 of the manifest's canonical JSON: what specs pin."""
    name: Name
    """Name given at import."""
    manifest: DatasetManifest
    """What it consists of."""


def shard_key(sha256: str) -> str:
    """Key of a shard in the bucket."""
    return f"datasets/shards/{sha256}.safetensors"


def manifest_key(digest: str) -> str:
    """Key of a dataset's manifest in the bucket."""
    return f"datasets/{digest}.json"
