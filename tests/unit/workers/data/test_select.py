import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.data import First, Indices, Random
from workers.data import resolve
from workers.errors import UserFault


@given(st.sets(st.integers(0, 99), min_size=1))
def test_listed_examples_are_themselves(chosen: set[int]) -> None:
    assert resolve(Indices(indices=tuple(chosen)), 100, "train").tolist() == sorted(chosen)


@given(st.integers(1, 60), st.data())
def test_the_first_ones(size: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, size))
    assert resolve(First(count=count), size, "train").tolist() == list(range(count))


@given(st.integers(1, 60), st.integers(0, 2**63 - 1), st.data())
def test_a_random_choice_is_ascending_without_repeats_and_repeatable(size: int, seed: int, data) -> None:
    count = data.draw(st.integers(1, size))
    chosen = resolve(Random(count=count, seed=seed), size, "train").tolist()
    assert chosen == sorted(set(chosen))
    assert len(chosen) == count
    assert chosen[0] >= 0
    assert chosen[-1] < size
    assert resolve(Random(count=count, seed=seed), size, "train").tolist() == chosen


def test_seeds_choose_differently() -> None:
    assert len({tuple(resolve(Random(count=5, seed=s), 1000, "train").tolist()) for s in range(20)}) == 20


@pytest.mark.parametrize(
    ("examples", "index"),
    [(Indices(indices=(3, 10)), 10), (First(count=11), 10), (Random(count=12), 11)],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_split_that_is_too_small(examples, index: int) -> None:
    with pytest.raises(UserFault, match=rf"needs example {index} of the test split, which has 10 \(0 … 9\)"):
        resolve(examples, 10, "test")
