"""Imported datasets: a manifest of checksummed shards. The digest of the manifest pins the data for ever.

A manifest is `idx`, `images` or `text`. Its shards hold uint8 and uint16 arrays as they were stored; specs say how
they become inputs.
"""

from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from schemas.base import Digest, LabelName, Name, Spec

MAX_SHARD_BYTES = 64 * 2**20
MAX_EXTENT = 2**16
"""Classes and tokens are stored in two bytes; no axis of an input is longer either."""

SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")
Layout = dict[str, tuple[Literal["uint8", "uint16"], tuple[int, ...]]]
"""Element type and shape of each array of a shard."""
Extent = Annotated[int, Field(ge=1, le=MAX_EXTENT)]


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"each label has a name of its own; {twice!r} is there more than once")
    return names


Labels = Annotated[tuple[LabelName, ...], Field(min_length=1, max_length=MAX_EXTENT), AfterValidator(_once)]
label_names: TypeAdapter[tuple[str, ...]] = TypeAdapter(Labels)


class Shard(Spec):
    """A safetensors object with some examples of a split: their inputs and their `labels`."""

    sha256: Digest
    """Digest of its bytes; its key in the bucket is `datasets/shards/<sha256>.safetensors`."""
    size_bytes: Annotated[int, Field(ge=1, le=MAX_SHARD_BYTES)]
    """Length."""
    split: SplitName
    """Split it belongs to."""
    count: Annotated[int, Field(ge=1)]
    """Examples in it."""


class Sharded(Spec):
    """Shards in order: example k of a split is the k-th over the split's shards."""

    shards: Annotated[tuple[Shard, ...], Field(min_length=1)]
    """All shards."""

    def count(self, split: SplitName) -> int:
        """Examples in a split."""
        return sum(shard.count for shard in self.shards if shard.split == split)


class IdxManifest(Sharded):
    """Grey images with class labels, from IDX files. A shard holds `images` (n, height, width) and `labels` (n,)."""

    kind: Literal["idx"] = "idx"
    shape: tuple[int, int]
    """Height and width of an image."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the labels."""

    def layout(self, shard: Shard) -> Layout:
        """What a shard holds."""
        return {"images": ("uint8", (shard.count, *self.shape)), "labels": ("uint8", (shard.count,))}


class Pictures(Spec):
    """How picture files became pixels: applied in the order of these fields."""

    source: Literal["celeba", "folders"]
    """Layout of the folder."""
    test_split: Literal["test", "valid"] = "test"
    """Which part of the source became the test split; CelebA has both."""
    crop: Extent | None
    """Side of the centred square cut out, in pixels; None takes the largest one of each picture."""
    size: Extent
    """Side of the stored square."""
    filter: Literal["bilinear"] = "bilinear"
    """How the square was brought to that size (with antialiasing, as Pillow does it)."""
    decoder: str
    """Library that decoded and scaled, with its version: decoders differ in the last bit."""


class ImagesManifest(Sharded):
    """Images of several channels. A shard holds `images` (n, channels, height, width) and `labels`.

    Labels are (n,) classes in two bytes, or (n, labels) of 0 and 1.
    """

    kind: Literal["images"] = "images"
    channels: Extent
    """3: red, green, blue."""
    height: Extent
    """Rows of an image."""
    width: Extent
    """Columns."""
    labels: Labels
    """Names of the labels."""
    label_kind: Literal["classes", "independent"]
    """Whether an example has one label, or any of them."""
    preparation: Pictures
    """Where the pixels come from."""

    def layout(self, shard: Shard) -> Layout:
        """What a shard holds."""
        classes = self.label_kind == "classes"
        return {
            "images": ("uint8", (shard.count, self.channels, self.height, self.width)),
            "labels": ("uint16", (shard.count,)) if classes else ("uint8", (shard.count, len(self.labels))),
        }


class StoredTokenizer(Spec):
    """A tokenizer in the JSON of the library `tokenizers`, trained on the train split when it was imported."""

    sha256: Digest
    """Digest of its bytes; its key in the bucket is `datasets/tokenizers/<sha256>.json`."""
    size_bytes: Annotated[int, Field(ge=1, le=MAX_SHARD_BYTES)]
    """Length."""
    vocabulary: Annotated[int, Field(ge=2, le=MAX_EXTENT)]
    """Number of tokens; 0 is padding, 1 stands for what is unknown."""
    library: str
    """Library that trained it, with its version."""


class TextManifest(Sharded):
    """Texts as token ids with class labels. A shard holds `tokens` (n, length) and `labels` (n,).

    A longer text keeps its first `length` tokens, a shorter one is filled up with token 0 at its end.
    """

    kind: Literal["text"] = "text"
    length: Extent
    """Tokens of an example."""
    tokenizer: StoredTokenizer
    """What made tokens of texts."""
    labels: Labels
    """Names of the classes."""
    source: Literal["imdb"]
    """Layout of the folder."""

    def layout(self, shard: Shard) -> Layout:
        """What a shard holds."""
        return {"tokens": ("uint16", (shard.count, self.length)), "labels": ("uint16", (shard.count,))}


DatasetManifest = Annotated[IdxManifest | ImagesManifest | TextManifest, Field(discriminator="kind")]
dataset_manifest: TypeAdapter[IdxManifest | ImagesManifest | TextManifest] = TypeAdapter(DatasetManifest)


class DatasetImport(Spec):
    """The request that names a dataset once its shards are uploaded."""

    name: Name
    """Name for specs; naming again points the name to the new digest."""
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


def tokenizer_key(sha256: str) -> str:
    """Key of a tokenizer in the bucket."""
    return f"datasets/tokenizers/{sha256}.json"


def manifest_key(digest: str) -> str:
    """Key of a dataset's manifest in the bucket."""
    return f"datasets/{digest}.json"
