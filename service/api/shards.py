"""Shards of imported datasets: they arrive first, each under its digest; a manifest then says what they hold."""

import hashlib
from collections.abc import Iterator

from schemas.blocks import ObjectRef
from schemas.canonical import canonical_json, digest
from schemas.datasets import DatasetManifest, Shard, manifest_key, shard_key
from service.api import slices
from service.api.problems import ProblemError
from service.objects import ObjectStore


def store(store: ObjectStore, sha256: str, data: bytes) -> bool:
    """Keep a shard under its digest. Returns False when it was there already.

    Raises:
        ProblemError: 422, there are no bytes, or they have another digest.
    """
    if not data:
        raise ProblemError("invalid", "the body is empty: send the bytes of the shard")
    came = hashlib.sha256(data).hexdigest()
    if came != sha256:
        raise ProblemError("invalid", f"the body's sha256 is {came}, the path says {sha256}: send it again")
    return store.put(shard_key(sha256), data)


def check(store: ObjectStore, manifest: DatasetManifest) -> None:
    """Every shard is there, and holds what the manifest says of it.

    Raises:
        ProblemError: 422, naming the first shard that is not so and why.
    """
    for shard in manifest.shards:
        for fault in _faults(store, manifest, shard):
            raise ProblemError("invalid", f"shard {shard.sha256}: {fault}")


def _faults(store: ObjectStore, manifest: DatasetManifest, shard: Shard) -> Iterator[str]:
    found = store.head(shard_key(shard.sha256))
    if found is None:
        yield f"is not there: PUT /v1/datasets/shards/{shard.sha256} first"
        return
    if found.size_bytes != shard.size_bytes:
        yield f"has {found.size_bytes} bytes, the manifest says {shard.size_bytes}"
    ref = ObjectRef(name="shard", key=found.key, sha256=shard.sha256, size_bytes=found.size_bytes)
    try:
        arrays = slices.layout(store, ref)
    except slices.NotSafetensorsError as error:
        yield f"is not a safetensors object: {error}"
        return
    for name, shape in (("images", (shard.count, *manifest.shape)), ("labels", (shard.count,))):
        stored = arrays.get(name)
        if stored is None:
            yield f"has no array {name!r}; it has {', '.join(sorted(arrays)) or 'none'}"
        elif (stored.dtype.name, stored.shape) != ("uint8", shape):
            yield f"{name} should be uint8 of shape {shape}; it is {stored.dtype.name} of shape {stored.shape}"


def publish(store: ObjectStore, manifest: DatasetManifest) -> None:
    """Write the manifest where workers look for it."""
    store.put(manifest_key(digest(manifest)), canonical_json(manifest))
