import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.brackets.summaries import cooccurrence as module
from workers.brackets.summaries.cooccurrence import Neighbours, label_rates, neighbours


def table(*columns: str) -> torch.Tensor:
    """Labels (N, K) from one string of 0 and 1 per label."""
    return torch.tensor([[float(c) for c in column] for column in columns]).T


# 20 examples: black and brown exclude each other, hat comes with brown, and ink is on exactly half of either.
BLACK = "1" * 10 + "0" * 10
BROWN = "0" * 10 + "1" * 10
HAT = "0" * 12 + "1" * 8
INK = "10" * 10


def test_rates_of_independent_labels_and_of_classes() -> None:
    assert label_rates(table(BLACK, HAT), 2).tolist() == [0.5, 0.4]
    assert label_rates(torch.tensor([0, 2, 2, 2]), 4).tolist() == [0.25, 0, 0.75, 0]


def test_rivals_and_companions_by_hand() -> None:
    found = neighbours(table(BLACK, BROWN, HAT, INK))
    assert found[0] == Neighbours(rival=1, rival_lift=0.0, rival_expected=5.0)
    assert found[1] == Neighbours(0, 0.0, 5.0, companion=2, companion_lift=8 / 4)
    assert found[2] == Neighbours(rival=None, companion=1, companion_lift=2.0)
    assert found[3] == Neighbours()


def test_made_up_labels_are_neighbours_of_each_other_alone() -> None:
    found = neighbours(table(BLACK, BROWN, BLACK, BROWN), apart=[2, 3])
    assert [one.rival for one in found] == [1, 0, 1, 0]
    assert [one.companion for one in found] == [None, None, 0, 1]
    found = neighbours(table(BLACK, INK, BROWN), apart=[2])
    assert (found[0], found[2].rival) == (Neighbours(), 0)


def test_a_pair_too_rare_to_meet_is_no_rival() -> None:
    rare = table("1" + "0" * 19, "0" + "1" + "0" * 18, INK)
    assert neighbours(rare)[0].rival is None


def test_identical_labels_are_companions() -> None:
    first, second = neighbours(table(BLACK, BLACK))
    assert (first.companion, second.companion) == (1, 0)
    assert first.companion_lift == 2.0


@settings(max_examples=20)
@given(N=st.integers(1, 200), K=st.integers(1, 9), seed=st.integers(0, 1000))
def test_blocks_of_labels_and_rows_count_the_same(N: int, K: int, seed: int) -> None:
    labels = (torch.rand(N, K, generator=torch.Generator().manual_seed(seed)) < 0.4).float()
    whole = neighbours(labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS", 7)
        patch.setattr(module, "LABELS", 2)
        assert neighbours(labels) == whole
    X = labels.double().numpy()
    expected = np.outer(X.sum(0), X.sum(0)) / N
    both = X.T @ X
    for a, found in enumerate(whole):
        if found.rival is not None:
            b = found.rival
            assert b != a
            assert found.rival_expected == pytest.approx(expected[a, b])
            assert found.rival_lift == pytest.approx(both[a, b] / expected[a, b])
            assert both[a, b] < expected[a, b]


def test_thousands_of_labels_take_little_memory() -> None:
    labels = torch.zeros(50, 3_000)
    labels[:, :2] = 1
    assert neighbours(labels)[2] == Neighbours()
