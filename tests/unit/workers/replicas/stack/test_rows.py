import pytest
import torch

from workers.replicas.stack.rows import ALIGNMENT_BYTES, Columns

TENSORS = {"a": torch.zeros(3, 5), "b": torch.zeros(()), "c": torch.zeros(16), "d": torch.zeros(0)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64], ids=str)
def test_members_and_tensors_start_at_aligned_addresses(dtype: torch.dtype) -> None:
    columns = Columns.of(TENSORS, dtype)
    rows = columns.zeros(3, torch.device("cpu"))
    for name, tensor in columns.views(rows).items():
        assert tensor.shape == (3, *TENSORS[name].shape)
        assert all(member.data_ptr() % ALIGNMENT_BYTES == 0 for member in tensor if member.numel())


def test_tensors_and_gaps_cover_the_rows_once() -> None:
    columns = Columns.of(TENSORS, torch.float32)
    rows = columns.zeros(2, torch.device("cpu"))
    for part in (*columns.views(rows).values(), *columns.gaps(rows)):
        part += 1
    assert torch.equal(rows, torch.ones(2, columns.width))
