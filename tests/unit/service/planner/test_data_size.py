"""Sizes of datasets: what the planner knows of each kind."""

import pytest

from schemas.data import Digits, Idx, Images, LabelControls, RegistryData, Text
from schemas.datasets import IdxManifest, ImagesManifest, Pictures, Shard, StoredTokenizer, TextManifest
from service.planner.size import DataSize, data_size

PIN = "0" * 64
SHARDS = tuple(
    Shard(sha256=digit * 64, size_bytes=1, split=split, count=count)
    for digit, split, count in (("1", "train", 5), ("2", "test", 2), ("3", "train", 4))
)
GREY = IdxManifest(shape=(4, 6), labels=("a", "b"), shards=SHARDS)
COLOUR = ImagesManifest(
    channels=3,
    height=8,
    width=10,
    labels=("a", "b", "c"),
    label_kind="independent",
    preparation=Pictures(source="celeba", crop=None, size=8, decoder="none"),
    shards=SHARDS,
)
TEXTS = TextManifest(
    length=7,
    tokenizer=StoredTokenizer(sha256=PIN, size_bytes=1, vocabulary=50, library="none"),
    labels=("neg", "pos"),
    source="imdb",
    shards=SHARDS,
)


@pytest.mark.parametrize(
    ("data", "manifest", "size"),
    [
        (Digits(), None, DataSize(1437, 360, 10, (1, 8, 8))),
        (Idx(digest=PIN), GREY, DataSize(9, 2, 2, (1, 4, 6))),
        (Images(digest=PIN), COLOUR, DataSize(9, 2, 3, (3, 8, 10))),
        (Images(digest=PIN, labels=("c",)), COLOUR, DataSize(9, 2, 1, (3, 8, 10))),
        (Images(digest=PIN, controls=LabelControls(pair=("a", "b"))), COLOUR, DataSize(9, 2, 9, (3, 8, 10))),
        (Text(digest=PIN), TEXTS, DataSize(9, 2, 2, (7,), vocabulary=50)),
        (RegistryData(name="x"), None, DataSize(None, None, None, None)),
    ],
)
def test_each_kind_of_data(data, manifest, size: DataSize) -> None:
    assert data_size(data, manifest) == size
