import pytest
import torch

from workers.errors import MemoryFault
from workers.memory import memory_faults


def test_a_tensor_larger_than_memory() -> None:
    with pytest.raises(MemoryFault, match=r"out of memory: .*allocate"), memory_faults():
        torch.empty(2**60, dtype=torch.uint8)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()],
    ids=["cuda", "python"],
)
def test_other_forms_of_running_out(error: Exception) -> None:
    with pytest.raises(MemoryFault, match="out of memory"), memory_faults():
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_faults():
        raise RuntimeError("shapes do not match")
