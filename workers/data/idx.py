"""Datasets imported from IDX files: a manifest and its shards in the object store."""

from typing import Literal

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse

from schemas.data import Idx
from schemas.datasets import DatasetManifest, manifest_key, shard_key
from workers.context import Context
from workers.data.dataset import Dataset, Split
from workers.errors import UserFault


def idx(spec: Idx, context: Context, dtype: torch.dtype) -> Dataset:
    """Images (1, height, width) with value (pixel / 255 − mean) / std, computed in float64 and cast to `dtype`.

    Raises:
        UserFault: the spec is not pinned to a digest, or a stored part is not what the manifest says.
    """
    if spec.digest is None:
        raise UserFault(f"dataset {spec.name!r} is not pinned to a digest: submit the job through the service")
    try:
        manifest = DatasetManifest.model_validate_json(context.fetch(manifest_key(spec.digest), spec.digest))
    except ValidationError as error:
        raise UserFault(
            f"the manifest of dataset {spec.digest[:12]} is not valid: import the dataset again"
        ) from error
    return Dataset(
        train=_split(spec, manifest, "train", context, dtype),
        test=_split(spec, manifest, "test", context, dtype),
        label_names=manifest.labels,
        normalisation=f"(pixels / 255 - {spec.mean}) / {spec.std}",
    )


def _split(
    spec: Idx, manifest: DatasetManifest, split: Literal["train", "test"], context: Context, dtype: torch.dtype
) -> Split:
    inputs, labels = [], []
    for shard in manifest.shards:
        if shard.split != split:
            continue
        try:
            arrays = parse(context.fetch(shard_key(shard.sha256), shard.sha256))
            images, classes = arrays["images"], arrays["labels"]
        except (SafetensorError, KeyError) as error:
            raise UserFault(
                f"shard {shard.sha256[:12]} is not a safetensors object with images and labels: "
                "import the dataset again"
            ) from error
        if images.shape != (shard.count, *manifest.shape) or classes.shape != (shard.count,):
            raise UserFault(
                f"shard {shard.sha256[:12]} should hold {shard.count} images of {manifest.shape}, it has images "
                f"{tuple(images.shape)} and labels {tuple(classes.shape)}: import the dataset again"
            )
        inputs.append(((images.double() / 255 - spec.mean) / spec.std).to(dtype).unsqueeze(1))
        labels.append(classes.to(torch.int64))
    if not inputs:
        raise UserFault(f"the dataset has no {split} examples: import both splits")
    return Split(torch.cat(inputs), torch.cat(labels))
