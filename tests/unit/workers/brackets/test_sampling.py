from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.brackets.sampling import numbered_pairs, sampled_pairs
from workers.streams import Stream


@given(N=st.integers(0, 40), count=st.integers(0, 900), seed=st.integers(0, 2**63 - 1))
def test_pairs_are_ordered_ascending_and_different(N: int, count: int, seed: int) -> None:
    pairs = [tuple(pair) for pair in sampled_pairs(N, count, seed, Stream.NULL).tolist()]
    assert len(pairs) == min(count, N * (N - 1) // 2)
    assert pairs == sorted(set(pairs))
    assert set(pairs) <= set(combinations(range(N), 2))


@pytest.mark.parametrize("N", [2, 3, 17])
def test_numbers_count_pairs_by_first_then_second(N: int) -> None:
    expected = list(combinations(range(N), 2))
    assert [tuple(pair) for pair in numbered_pairs(N, np.arange(len(expected))).tolist()] == expected


def test_streams_and_seeds_draw_different_pairs_and_repeat() -> None:
    draws = [
        sampled_pairs(5_000, 20, seed, stream) for seed in (0, 1) for stream in (Stream.NULL, Stream.VERIFICATION)
    ]
    assert len({draw.tobytes() for draw in draws}) == 4
    assert sampled_pairs(5_000, 20, 0, Stream.NULL).tobytes() == draws[0].tobytes()


def test_every_pair_is_as_likely() -> None:
    counts = np.zeros((5, 5))
    for seed in range(1_000):
        for a, b in sampled_pairs(5, 3, seed, Stream.ORDERS):
            counts[a, b] += 1
    drawn = counts[np.triu_indices(5, 1)]
    assert np.abs(drawn - 300).max() < 5 * np.sqrt(300)
