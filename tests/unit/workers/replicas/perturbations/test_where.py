import numpy as np
import pytest
import torch

from schemas.perturbations import Where
from workers.errors import UserFault
from workers.replicas.perturbations.where import chosen

PARAMETERS = {
    "stem.weight": torch.zeros(4, 5),
    "stem.bias": torch.zeros(4),
    "head.weight": torch.zeros(3, 4),
    "head.bias": torch.zeros(3),
}


def names(*patterns: str) -> list[str]:
    return list(chosen(PARAMETERS, Where(tensors=patterns), np.random.default_rng(0)))


def test_patterns_choose_tensors_in_their_own_order() -> None:
    assert names("*") == list(PARAMETERS)
    assert names("head.*") == ["head.weight", "head.bias"]
    assert names("head.bias", "stem.?ias") == ["stem.bias", "head.bias"]
    assert names("*.weight", "head.*") == ["stem.weight", "head.weight", "head.bias"]


def test_a_whole_tensor_is_a_slice() -> None:
    assert set(map(str, chosen(PARAMETERS, Where(), np.random.default_rng(0)).values())) == {str(slice(None))}


@pytest.mark.parametrize(
    ("fraction", "counts"), [(0.5, (10, 2, 6, 2)), (0.001, (1, 1, 1, 1)), (0.99, (20, 4, 12, 3))]
)
def test_a_fraction_is_drawn_from_each_tensor(fraction: float, counts: tuple[int, ...]) -> None:
    found = chosen(PARAMETERS, Where(fraction=fraction), np.random.default_rng(3))
    for count, (name, places) in zip(counts, found.items(), strict=True):
        assert isinstance(places, np.ndarray)
        assert len(places) == len(set(places.tolist())) == count
        assert sorted(places.tolist()) == places.tolist()
        assert places[-1] < PARAMETERS[name].numel()


def test_a_fraction_is_a_fair_choice_of_the_draw() -> None:
    def drawn(seed: int) -> list[int]:
        places = chosen(PARAMETERS, Where(tensors=("stem.weight",), fraction=0.25), np.random.default_rng(seed))
        return list(places["stem.weight"])

    assert drawn(1) == drawn(1)
    counts = np.bincount([place for seed in range(400) for place in drawn(seed)], minlength=20)
    assert counts.min() > 60  # 100 each on average, s.d. below 9
    assert counts.max() < 140


def test_one_element() -> None:
    where = Where(tensors=("head.weight",), element=11)
    assert chosen(PARAMETERS, where, np.random.default_rng(0))["head.weight"] == np.array([11])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            Where(tensors=("*", "haed.weight")),
            "no parameter tensor is called 'haed.weight'; the model has stem.weight, "
            "stem.bias, head.weight, head.bias; did you mean 'head.weight'",
        ),
        (Where(tensors=("*.bias",), element=0), "2 tensors are chosen, stem.bias and head.bias among them"),
        (Where(tensors=("head.bias",), element=3), "head.bias has 3 elements, numbered 0 to 2; came element 3"),
    ],
)
def test_what_is_not_there(where: Where, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        chosen(PARAMETERS, where, np.random.default_rng(0))


def test_a_deep_network_is_not_listed_whole() -> None:
    deep = {f"blocks.{number}.weight": torch.zeros(1) for number in range(50)}
    with pytest.raises(UserFault, match=r"blocks\.11\.weight, … \(50 in all\)$"):
        chosen(deep, Where(tensors=("conv",)), np.random.default_rng(0))
