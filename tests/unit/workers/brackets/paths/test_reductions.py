import pytest
import torch

from workers.brackets.paths import reductions as module
from workers.brackets.paths.reductions import reduce_pairs


@pytest.mark.parametrize("stretch", [1, 2, 2**16])
def test_sums_by_hand(stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.STRETCH, "cpu", stretch)
    xy = {"w": torch.tensor([[[3.0], [1.0]], [[0.0], [0.0]]]), "b": torch.tensor([2.0, 1.0])}
    yx = [
        {"w": torch.tensor([[1.0], [1.0]]), "b": torch.tensor(5.0)},
        {"w": torch.tensor([[0.0], [7.0]]), "b": torch.tensor(1.0)},
    ]
    g_x = {"w": torch.tensor([[[1.0], [10.0]], [[1.0], [1.0]]]), "b": torch.tensor([2.0, 0.0])}
    g_y = {"w": torch.tensor([[4.0], [1.0]]), "b": torch.tensor(1.0)}
    found = reduce_pairs(xy, yx, g_x, g_y)
    assert found.squares.dtype == torch.float64
    assert found.squares.tolist() == [[4.0, 9.0], [49.0, 0.0]]
    assert found.dot_x.tolist() == [2 * 1 - 3 * 2, -7]
    assert found.dot_y.tolist() == [2 * 4 - 3 * 1, -7]
    assert found.gradient_dot.tolist() == [4 + 10 + 2, 4 + 1]
    assert found.square_xy.tolist() == [9 + 1 + 4, 1]
    assert found.square_yx.tolist() == [1 + 1 + 25, 49 + 1]


def test_nearly_equal_products_lose_nothing() -> None:
    """The difference of two long vectors that agree in eleven digits; Gram forms would return rounding."""
    base = torch.rand(1, 10_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 1
    apart = 1e-11 * base
    zero = torch.zeros_like(base)
    found = reduce_pairs({"w": base + apart}, [{"w": base[0]}], {"w": zero}, {"w": zero[0]})
    expected = (base + apart - base).square().sum()
    torch.testing.assert_close(found.squares[0, 0], expected, rtol=1e-12, atol=0)
    gram = (base + apart).square().sum() + base.square().sum() - 2 * ((base + apart) * base).sum()
    assert abs(float(gram / expected) - 1) > 0.1
