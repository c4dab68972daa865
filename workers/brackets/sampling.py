"""Pairs drawn at random from all pairs (a, b), a < b, of N examples.

Pairs are numbered by a, then b; a drawn number is turned into its pair, so that all of them never exist at once.
"""

from typing import Any

import numpy as np

from workers.streams import Stream, generator

Integers = np.ndarray[Any, np.dtype[np.int64]]


def sampled_pairs(N: int, count: int, seed: int, stream: Stream) -> Integers:
    """Positions of `count` pairs drawn without replacement, ascending: int64 (count, 2), a < b < N.

    All N(N − 1)/2 pairs, if `count` is not smaller. The same arguments draw the same pairs.
    """
    pairs = N * (N - 1) // 2
    if count >= pairs:
        return numbered_pairs(N, np.arange(pairs))
    numbers = generator(seed, stream).choice(pairs, count, replace=False, shuffle=False)
    return numbered_pairs(N, np.sort(numbers).astype(np.int64))


def numbered_pairs(N: int, numbers: Integers) -> Integers:
    """The pairs of N examples with these numbers in the order of a, then b: (p,) to (p, 2)."""
    rows = np.arange(N, dtype=np.int64)
    first = rows * (2 * N - rows - 1) // 2  # the number of the pair (a, a + 1)
    a = np.searchsorted(first, numbers, side="right") - 1
    # The last example starts no pair, so its number is that of a pair that does not exist.
    return np.stack([a, numbers - first[a] + a + 1], axis=1)
