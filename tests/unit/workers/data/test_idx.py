import numpy as np
import pytest
import torch
from safetensors.torch import save

from schemas.canonical import canonical_json, digest
from schemas.data import Idx
from schemas.datasets import IdxManifest, Shard, manifest_key, shard_key
from tests.support.memory_context import MemoryContext
from workers.data.idx import idx
from workers.errors import BlockFault, UserFault

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (9, 3, 2), dtype=np.uint8))
LABELS = torch.tensor([0, 1, 2] * 3, dtype=torch.uint8)
PARTS = (("train", slice(0, 4)), ("test", slice(4, 6)), ("train", slice(6, 9)))


def imported(context: MemoryContext, parts=PARTS, **changed) -> str:
    """Put a small dataset into the object store as an import does; its digest."""
    shards = []
    for split, part in parts:
        arrays = {"images": IMAGES[part].contiguous(), "labels": LABELS[part].contiguous()} | changed
        content = save(arrays)
        sha256 = context.put("", content)
        context.put(shard_key(sha256), content)
        count = part.stop - part.start
        shards.append(Shard(sha256=sha256, size_bytes=len(content), split=split, count=count))
    manifest = IdxManifest(shape=(3, 2), labels=("a", "b", "c"), shards=tuple(shards))
    context.put(manifest_key(digest(manifest)), canonical_json(manifest))
    return digest(manifest)


def test_shards_are_joined_in_order_and_normalised(context: MemoryContext) -> None:
    data = idx(Idx(digest=imported(context), mean=0.25, std=0.5), context, torch.float64)
    order = [0, 1, 2, 3, 6, 7, 8]
    expected = (IMAGES[order].double() / 255 - 0.25) / 0.5
    assert torch.equal(data.train.inputs, expected.unsqueeze(1))
    assert data.train.labels.tolist() == LABELS[order].tolist()
    assert data.test.labels.tolist() == LABELS[4:6].tolist()
    assert data.label_names == ("a", "b", "c")
    assert data.normalisation == "(pixels / 255 - 0.25) / 0.5"


def test_a_name_must_have_been_pinned(context: MemoryContext) -> None:
    with pytest.raises(UserFault, match="'mnist' is not pinned to a digest"):
        idx(Idx(name="mnist"), context, torch.float32)


def test_a_digest_that_is_not_there(context: MemoryContext) -> None:
    with pytest.raises(BlockFault, match="is not there"):
        idx(Idx(digest="a" * 64), context, torch.float32)


def test_a_manifest_that_is_not_one(context: MemoryContext) -> None:
    sha256 = context.put("", b"{}")
    context.put(manifest_key(sha256), b"{}")
    with pytest.raises(UserFault, match=r"manifest .* is not valid: import the dataset again"):
        idx(Idx(digest=sha256), context, torch.float32)


def test_a_shard_without_labels(context: MemoryContext) -> None:
    parts = [("train", slice(0, 2)), ("test", slice(2, 4))]
    wrong = imported(context, parts, labels=LABELS[:5])
    with pytest.raises(
        UserFault,
        match=r"\(2, 3, 2\) and labels torch\.uint8 \(2,\); it has .* labels torch\.uint8 \(5,\)",
    ):
        idx(Idx(digest=wrong), context, torch.float32)


def test_a_shard_that_is_no_safetensors_object(context: MemoryContext) -> None:
    sha256 = context.put("", b"junk")
    context.put(shard_key(sha256), b"junk")
    shard = Shard(sha256=sha256, size_bytes=4, split="train", count=1)
    manifest = IdxManifest(shape=(3, 2), labels=("a",), shards=(shard,))
    context.put(manifest_key(digest(manifest)), canonical_json(manifest))
    with pytest.raises(UserFault, match="is not a safetensors object with images and labels"):
        idx(Idx(digest=digest(manifest)), context, torch.float32)


def test_a_split_without_examples(context: MemoryContext) -> None:
    with pytest.raises(UserFault, match="the dataset has no test examples"):
        idx(Idx(digest=imported(context, [("train", slice(0, 3))])), context, torch.float32)
