"""Datasets put where workers find them, as an import does."""

from safetensors.torch import save
from torch import Tensor

from schemas.canonical import canonical_json, digest
from schemas.datasets import DatasetManifest, Shard, SplitName, manifest_key, shard_key
from tests.support.memory_context import MemoryContext


def stored_shard(context: MemoryContext, split: SplitName, arrays: dict[str, Tensor]) -> Shard:
    """Keep a shard; what a manifest says of it."""
    content = save({name: array.contiguous() for name, array in arrays.items()})
    sha256 = context.put("", content)
    context.put(shard_key(sha256), content)
    return Shard(sha256=sha256, size_bytes=len(content), split=split, count=len(arrays["labels"]))


def stored_manifest(context: MemoryContext, manifest: DatasetManifest) -> str:
    """Keep a manifest; the digest that specs pin."""
    context.put(manifest_key(digest(manifest)), canonical_json(manifest))
    return digest(manifest)
