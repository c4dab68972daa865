"""Deletes objects that nobody names; the one place that deletes from the bucket."""

import re
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, Engine, text

from schemas.datasets import DatasetManifest, TextManifest, dataset_manifest, manifest_key, shard_key, tokenizer_key
from service.objects import ObjectStore
from service.retention.batches import batched
from service.retention.naming import hold_collection

BATCH = 500
"""Objects that are looked up and deleted under one lock."""

# `workers.runtime.context.Attempt.key`: the run of a block that wrote the object.
_ATTEMPT = re.compile(r"/[0-9]+-(?P<block>[0-9]+)-[0-9]+-(?P<token>[0-9a-f]{8})\.safetensors$")
_NAMED = text("""
    select key from objects where key = any(:keys) and dropped_at is null
    union select key from table_files where key = any(:keys)
""")
_HELD = text("""
    select id, left(lease_token::text, 8) as token from blocks where id = any(:blocks) and state = 'running'
""")
_MANIFESTS = text("select digest, manifest from datasets order by digest")


def collect(engine: Engine, store: ObjectStore, keys: Iterable[str]) -> list[str]:
    """Delete those of the objects that no row names and no running block can; their keys.

    Raises:
        Unavailable: the object store is away.
    """
    deleted = list[str]()
    for batch in batched(keys, BATCH):
        with engine.begin() as connection:
            hold_collection(connection)
            free = unnamed(connection, batch)
            store.delete(free)
            deleted += free
    return deleted


def unnamed(connection: Connection, keys: Collection[str]) -> list[str]:
    """Those keys that no live row names and that no block which runs now may yet name."""
    # First who may still commit, then what was committed: who commits in between is seen by the second question.
    written = {key: (int(found["block"]), found["token"]) for key in keys if (found := _ATTEMPT.search(key))}
    held = {
        (row.id, row.token) for row in connection.execute(_HELD, {"blocks": [block for block, _ in written.values()]})
    }
    taken = {key for key, attempt in written.items() if attempt in held}
    taken |= set(connection.execute(_NAMED, {"keys": list(keys)}).scalars())
    if any(key.startswith("datasets/") for key in keys):
        taken |= {key for key, *_ in dataset_objects(connection)}
    return [key for key in keys if key not in taken]


def dataset_objects(connection: Connection) -> Iterator[tuple[str, int | None, str]]:
    """Key, size where it is known, and digest of every object that a registered dataset consists of."""
    for row in connection.execute(_MANIFESTS):
        manifest = dataset_manifest.validate_python(row.manifest)
        yield manifest_key(row.digest), None, row.digest
        yield from parts(manifest)


def parts(manifest: DatasetManifest) -> Iterator[tuple[str, int, str]]:
    """Key, size and digest of the parts that a manifest names."""
    for shard in manifest.shards:
        yield shard_key(shard.sha256), shard.size_bytes, shard.sha256
    if isinstance(manifest, TextManifest):
        yield tokenizer_key(manifest.tokenizer.sha256), manifest.tokenizer.size_bytes, manifest.tokenizer.sha256
