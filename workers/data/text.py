"""Imported texts: token numbers of one length, with one class each."""

import torch

from schemas.data import Text
from schemas.datasets import SplitName, TextManifest
from workers.context import Context
from workers.data.dataset import Dataset, Split
from workers.data.shards import joined, manifest_of


def text(spec: Text, context: Context) -> Dataset:
    """Token numbers (length,) int64 in 0 … vocabulary − 1; token 0 is padding.

    Raises:
        UserFault: the spec is not pinned to a digest, or a stored part is not what the manifest says.
    """
    manifest = manifest_of(spec, TextManifest, context)

    def read(split: SplitName) -> Split:
        arrays = joined(manifest, split, context)
        return Split(arrays["tokens"].to(torch.int64), arrays["labels"].to(torch.int64))

    return Dataset(
        train=read("train"),
        test=read("test"),
        label_names=manifest.labels,
        normalisation=f"tokens of the tokenizer {manifest.tokenizer.sha256[:12]}",
        vocabulary=manifest.tokenizer.vocabulary,
    )
