"""The shards of an imported dataset, fetched and held against its manifest."""

from collections.abc import Iterator
from typing import TypeVar

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse
from torch import Tensor

from schemas.data import Imported
from schemas.datasets import (
    DatasetManifest,
    IdxManifest,
    ImagesManifest,
    Shard,
    SplitName,
    TextManifest,
    dataset_manifest,
    manifest_key,
    shard_key,
)
from workers.context import Context
from workers.errors import UserFault

M = TypeVar("M", IdxManifest, ImagesManifest, TextManifest)


def manifest_of(spec: Imported, kind: type[M], context: Context) -> M:
    """The manifest that a spec is pinned to.

    Raises:
        UserFault: the spec is not pinned to a digest, or the manifest is not valid, or not one of that kind.
    """
    if spec.digest is None:
        raise UserFault(f"dataset {spec.name!r} is not pinned to a digest: submit the job through the service")
    try:
        found = dataset_manifest.validate_json(context.fetch(manifest_key(spec.digest), spec.digest))
    except ValidationError as error:
        raise UserFault(
            f"the manifest of dataset {spec.digest[:12]} is not valid: import the dataset again"
        ) from error
    if not isinstance(found, kind):
        raise UserFault(f"dataset {spec.digest[:12]} is of kind {found.kind}: name it with that kind in the spec")
    return found


def joined(manifest: DatasetManifest, split: SplitName, context: Context) -> dict[str, Tensor]:
    """The arrays of all shards of a split, in order, each filled shard by shard: they are never held twice.

    Raises:
        UserFault: the split is empty, or a shard is not what the manifest says of it.
    """
    total = manifest.count(split)
    if total == 0:
        raise UserFault(f"the dataset has no {split} examples: import both splits")
    whole: dict[str, Tensor] = {}
    filled = 0
    for count, arrays in _shards(manifest, split, context):
        for name, array in arrays.items():
            if name not in whole:
                whole[name] = torch.empty((total, *array.shape[1:]), dtype=array.dtype)
            whole[name][filled : filled + count] = array
        filled += count
    return whole


def _shards(manifest: DatasetManifest, split: SplitName, context: Context) -> Iterator[tuple[int, dict[str, Tensor]]]:
    for shard in manifest.shards:
        if shard.split == split:
            yield shard.count, _arrays(manifest, shard, context)


def _arrays(manifest: DatasetManifest, shard: Shard, context: Context) -> dict[str, Tensor]:
    expected = {name: f"torch.{dtype} {shape}" for name, (dtype, shape) in manifest.layout(shard).items()}
    try:
        arrays = parse(context.fetch(shard_key(shard.sha256), shard.sha256))
    except SafetensorError as error:
        raise UserFault(
            f"shard {shard.sha256[:12]} is not a safetensors object with {' and '.join(expected)}: "
            "import the dataset again"
        ) from error
    found = {name: f"{array.dtype} {tuple(array.shape)}" for name, array in arrays.items()}
    if found != expected:
        raise UserFault(
            f"shard {shard.sha256[:12]} should hold {_words(expected)}; it has {_words(found)}: "
            "import the dataset again"
        )
    return arrays


def _words(arrays: dict[str, str]) -> str:
    return " and ".join(f"{name} {what}" for name, what in sorted(arrays.items())) or "nothing"
