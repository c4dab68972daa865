import pytest
import torch

from schemas.data import Digits, RegistryData
from tests.support.memory_context import MemoryContext
from workers.data import load
from workers.errors import UserFault


def test_digits_are_loaded_once_per_type(context: MemoryContext) -> None:
    single = load(Digits(), context, torch.float32)
    assert load(Digits(), context, torch.float32) is single
    assert load(Digits(), context, torch.float64).train.inputs.dtype == torch.float64
    assert single.train.inputs.dtype == torch.float32


def test_a_registry_dataset_gets_its_options(context: MemoryContext, lab: None) -> None:
    data = load(RegistryData(name="two-labels", options={"n": 5}), context, torch.float64)
    assert (len(data.train), data.label_names, data.independent) == (5, ("right", "up"), True)


def test_a_registry_factory_must_make_a_dataset(context: MemoryContext, lab: None) -> None:
    with pytest.raises(UserFault, match=r"'not-a-dataset' must be a workers.data.Dataset"):
        load(RegistryData(name="not-a-dataset"), context, torch.float32)
