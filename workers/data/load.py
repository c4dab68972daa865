"""From a data spec to a dataset in memory, made once per process."""

from typing import assert_never

import torch

from schemas.canonical import digest
from schemas.data import Data, Digits, Idx, Images, RegistryData, Text
from workers import plugins
from workers.context import Context
from workers.data.dataset import Dataset
from workers.data.digits import digits
from workers.data.idx import idx
from workers.data.images import images
from workers.data.text import text
from workers.errors import UserFault

DATASETS_GROUP = "holonomy.datasets"


def load(spec: Data, context: Context, dtype: torch.dtype) -> Dataset:
    """The dataset on the context's device with inputs of type `dtype` (or tokens), remembered by the spec's digest.

    A registry factory is called as `factory(**options)` and returns a `workers.data.Dataset`.

    Raises:
        UserFault: the data is not there or not what it should be.
    """
    return context.remember(
        ("dataset", digest(spec), dtype), lambda: _read(spec, context, dtype).to(context.device, dtype)
    )


def _read(spec: Data, context: Context, dtype: torch.dtype) -> Dataset:
    match spec:
        case Digits():
            return digits()
        case Idx():
            return idx(spec, context, dtype)
        case Images():
            return images(spec, context, dtype)
        case Text():
            return text(spec, context)
        case RegistryData():
            made = plugins.call(DATASETS_GROUP, spec.name, **spec.options)
            if not isinstance(made, Dataset):
                raise UserFault(
                    f"the dataset {spec.name!r} must be a workers.data.Dataset, its factory made {type(made)}"
                )
            return made
        case _:
            assert_never(spec)
