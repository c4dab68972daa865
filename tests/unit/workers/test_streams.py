import numpy as np

from workers.streams import Stream, generator, torch_seed


def test_equal_seeds_draw_equal_numbers() -> None:
    first, second = (generator(7, Stream.SCHEDULE).random(20) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_streams_and_seeds_are_told_apart() -> None:
    seeds = {torch_seed(seed, stream) for seed in range(50) for stream in Stream}
    assert len(seeds) == 50 * len(Stream)
    firsts = {float(generator(seed, stream).random()) for seed in range(50) for stream in Stream}
    assert len(firsts) == 50 * len(Stream)


def test_the_largest_seed_a_spec_allows_works() -> None:
    assert 0 <= torch_seed(2**63 - 1, Stream.NOISE) < 2**64


def test_branches_of_a_stream_are_told_apart() -> None:
    seeds = {torch_seed(0, Stream.NULL, i, j) for i in range(20) for j in range(20)} | {torch_seed(0, Stream.NULL)}
    assert len(seeds) == 401
    assert generator(0, Stream.ORDERS, 1).random() != generator(0, Stream.ORDERS, 2).random()
