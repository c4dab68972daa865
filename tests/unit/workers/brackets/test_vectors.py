import pytest
import torch

from workers.brackets import vectors as module
from workers.brackets.vectors import cosine, flat, inner_products, shaped

DRAW = torch.Generator().manual_seed(0)
LIKE = {"w": torch.zeros(2, 3), "b": torch.zeros(()), "none": torch.zeros(0)}


def test_a_vector_and_its_tensors() -> None:
    tensors = {name: torch.randn(tensor.shape, generator=DRAW) for name, tensor in LIKE.items()}
    vector = flat(tensors)
    assert (vector.dtype, vector.shape) == (torch.float64, (7,))
    back = shaped(vector, LIKE)
    assert all(torch.equal(back[name], tensors[name]) and back[name].dtype == torch.float32 for name in LIKE)


@pytest.mark.parametrize("stretch", [1, 7, 2**16])
def test_inner_products_in_float64(stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.STRETCH, "cpu", stretch)
    left, right = (
        {name: torch.randn(rows, *tensor.shape, generator=DRAW) for name, tensor in LIKE.items()} for rows in (3, 2)
    )
    expected = [
        [sum(float((left[n][row].double() * right[n][column].double()).sum()) for n in LIKE) for column in range(2)]
        for row in range(3)
    ]
    torch.testing.assert_close(inner_products(left, right), torch.tensor(expected, dtype=torch.float64))


def test_cosines_stay_within_one_and_vanish_with_a_vector() -> None:
    x = torch.full((3,), 0.1, dtype=torch.float64)
    assert cosine(x, -x) == pytest.approx(-1)
    assert abs(cosine(x, 3 * x)) <= 1
    assert cosine(x, 0 * x) == 0
