"""Imported images of several channels, with one class or several independent labels each.

Axes: N examples, C channels, K labels.
"""

import torch
from torch import Tensor

from schemas.data import Images
from schemas.datasets import ImagesManifest, Pictures, SplitName
from schemas.images import channel_values, output_labels
from workers.context import Context
from workers.data.controls import control_labels
from workers.data.dataset import Dataset, Split
from workers.data.pixels import Pixels
from workers.data.shards import joined, manifest_of
from workers.errors import UserFault


def images(spec: Images, context: Context, dtype: torch.dtype) -> Dataset:
    """Images (C, height, width), normalised by channel as they are read, with classes or (N, K) labels of 0 and 1.

    Raises:
        UserFault: the spec is not pinned or asks for labels that are not there, or a stored part is not what the
            manifest says.
    """
    manifest = manifest_of(spec, ImagesManifest, context)
    try:
        names = output_labels(spec, manifest)
        mean, std = channel_values(spec, manifest)
    except ValueError as error:
        raise UserFault(str(error)) from error
    shift, scale = (torch.tensor(values, dtype=torch.float64).reshape(-1, 1, 1) for values in (mean, std))

    def read(split: SplitName) -> Split:
        arrays = joined(manifest, split, context)
        labels = _labels(arrays["labels"], spec, manifest, split, dtype)
        return Split(Pixels(arrays["images"], shift, scale, dtype), labels)

    return Dataset(
        train=read("train"),
        test=read("test"),
        label_names=names,
        normalisation=f"{_prepared(manifest.preparation)}; (pixels / 255 - {_written(mean)}) / {_written(std)}",
    )


def _labels(stored: Tensor, spec: Images, manifest: ImagesManifest, split: SplitName, dtype: torch.dtype) -> Tensor:
    if manifest.label_kind == "classes":
        return stored.to(torch.int64)
    at = {name: column for column, name in enumerate(manifest.labels)}
    chosen = stored[:, [at[name] for name in spec.labels or manifest.labels]]
    if spec.controls is not None:
        first, second = (stored[:, at[name]] for name in spec.controls.pair)
        chosen = torch.cat([chosen, control_labels(first, second, spec.controls.seed, split)], dim=1)
    return chosen.to(dtype)


def _prepared(made: Pictures) -> str:
    side = "largest" if made.crop is None else f"{made.crop}×{made.crop}"
    return f"centred {side} square of {made.source} scaled to {made.size}×{made.size} ({made.filter}, {made.decoder})"


def _written(values: tuple[float, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else str(values)
