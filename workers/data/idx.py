"""Datasets imported from IDX files: grey images with class labels."""

import torch
from torch import Tensor

from schemas.data import Idx
from schemas.datasets import IdxManifest, SplitName
from workers.context import Context
from workers.data.dataset import Dataset, Split
from workers.data.shards import joined, manifest_of


def idx(spec: Idx, context: Context, dtype: torch.dtype) -> Dataset:
    """Images (1, height, width) with value (pixel / 255 − mean) / std, computed in float64 and cast to `dtype`.

    Raises:
        UserFault: the spec is not pinned to a digest, or a stored part is not what the manifest says.
    """
    manifest = manifest_of(spec, IdxManifest, context)

    def read(split: SplitName) -> Split:
        arrays = joined(manifest, split, context)
        return Split(_inputs(arrays["images"], spec, dtype), arrays["labels"].to(torch.int64))

    return Dataset(
        train=read("train"),
        test=read("test"),
        label_names=manifest.labels,
        normalisation=f"(pixels / 255 - {spec.mean}) / {spec.std}",
    )


def _inputs(images: Tensor, spec: Idx, dtype: torch.dtype) -> Tensor:
    return ((images.double() / 255 - spec.mean) / spec.std).to(dtype).unsqueeze(1)
