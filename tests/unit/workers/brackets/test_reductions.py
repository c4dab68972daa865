import torch

from workers.brackets.reductions import reduce_pairs


def test_sums_by_hand() -> None:
    xy = {"w": torch.tensor([[3.0, 1.0]]), "b": torch.tensor([[2.0]])}
    yx = {"w": torch.tensor([[1.0, 1.0]]), "b": torch.tensor([[5.0]])}
    g_x = {"w": torch.tensor([[1.0, 10.0]]), "b": torch.tensor([[2.0]])}
    g_y = {"w": torch.tensor([4.0, 1.0]), "b": torch.tensor([1.0])}
    as64 = ({name: tensor.double() for name, tensor in part.items()} for part in (xy, yx, g_x, g_y))
    found = reduce_pairs(*as64)
    assert found.squares.tolist() == [[4.0, 9.0]]
    assert found.dot_x.tolist() == [2 * 1 - 3 * 2]
    assert found.dot_y.tolist() == [2 * 4 - 3 * 1]
    assert found.gradient_dot.tolist() == [4 + 10 + 2]
    assert found.square_xy.tolist() == [9 + 1 + 4]
    assert found.square_yx.tolist() == [1 + 1 + 25]


def test_nearly_equal_products_lose_nothing() -> None:
    """The difference of two long vectors that agree in eleven digits; Gram forms would return rounding."""
    base = torch.rand(1, 10_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 1
    apart = 1e-11 * base
    xy, yx, zero = {"w": base + apart}, {"w": base}, {"w": torch.zeros_like(base)}
    found = reduce_pairs(xy, yx, zero, {"w": torch.zeros(10_000, dtype=torch.float64)})
    expected = (base + apart - base).square().sum()
    torch.testing.assert_close(found.squares[0, 0], expected, rtol=1e-12, atol=0)
    gram = (base + apart).square().sum() + base.square().sum() - 2 * ((base + apart) * base).sum()
    assert abs(float(gram / expected) - 1) > 0.1
