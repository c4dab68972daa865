"""Parts of imported datasets: they arrive first, each under its digest; a manifest then says what they hold."""

import hashlib
import json
from collections.abc import Iterator

from schemas.blocks import ObjectRef
from schemas.canonical import canonical_json, digest
from schemas.datasets import (
    DatasetManifest,
    Shard,
    StoredTokenizer,
    TextManifest,
    manifest_key,
    shard_key,
    tokenizer_key,
)
from service.api import slices
from service.api.problems import ProblemError
from service.objects import ObjectStore


def store(store: ObjectStore, key: str, sha256: str, data: bytes) -> bool:
    """Keep a shard or tokenizer under a key with its digest. Returns False when it was there already.

    Raises:
        ProblemError: 422, there are no bytes, or they have another digest.
    """
    if not data:
        raise ProblemError("invalid", "the body is empty: send the bytes that the path names")
    came = hashlib.sha256(data).hexdigest()
    if came != sha256:
        raise ProblemError("invalid", f"the body's sha256 is {came}, the path says {sha256}: send it again")
    return store.put(key, data)


def check(store: ObjectStore, manifest: DatasetManifest) -> None:
    """Every shard, and the tokenizer of texts, is there, and holds what the manifest says of it.

    Raises:
        ProblemError: 422, naming the first part that is not so and why.
    """
    if isinstance(manifest, TextManifest):
        for fault in _tokenizer_faults(store, manifest.tokenizer):
            raise ProblemError("invalid", f"tokenizer {manifest.tokenizer.sha256}: {fault}")
    for shard in manifest.shards:
        for fault in _faults(store, manifest, shard):
            raise ProblemError("invalid", f"shard {shard.sha256}: {fault}")


def _faults(store: ObjectStore, manifest: DatasetManifest, shard: Shard) -> Iterator[str]:
    key = shard_key(shard.sha256)
    yield from _absent(store, key, shard.size_bytes, f"/v1/datasets/shards/{shard.sha256}")
    ref = ObjectRef(name="shard", key=key, sha256=shard.sha256, size_bytes=shard.size_bytes)
    try:
        arrays = slices.layout(store, ref)
    except slices.NotSafetensorsError as error:
        yield f"is not a safetensors object: {error}"
        return
    for name, (dtype, shape) in manifest.layout(shard).items():
        stored = arrays.get(name)
        if stored is None:
            yield f"has no array {name!r}; it has {', '.join(sorted(arrays)) or 'none'}"
        elif (stored.dtype.name, stored.shape) != (dtype, shape):
            yield f"{name} should be {dtype} of shape {shape}; it is {stored.dtype.name} of shape {stored.shape}"


def _tokenizer_faults(store: ObjectStore, tokenizer: StoredTokenizer) -> Iterator[str]:
    key = tokenizer_key(tokenizer.sha256)
    yield from _absent(store, key, tokenizer.size_bytes, f"/v1/datasets/tokenizers/{tokenizer.sha256}")
    try:
        tokens = len(json.loads(store.get(key, tokenizer.sha256))["model"]["vocab"])
    except (ValueError, TypeError, KeyError, RecursionError):
        yield "is not the JSON of a tokenizer with a vocabulary"
        return
    if tokens != tokenizer.vocabulary:
        yield f"has {tokens} tokens, the manifest says {tokenizer.vocabulary}"


def _absent(store: ObjectStore, key: str, size_bytes: int, path: str) -> Iterator[str]:
    found = store.head(key)
    if found is None:
        yield f"is not there: PUT {path} first"
    elif found.size_bytes != size_bytes:
        yield f"has {found.size_bytes} bytes, the manifest says {size_bytes}"


def publish(store: ObjectStore, manifest: DatasetManifest) -> None:
    """Write the manifest where workers look for it."""
    store.put(manifest_key(digest(manifest)), canonical_json(manifest))
