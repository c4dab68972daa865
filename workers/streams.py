"""Independent random streams from one seed, so that drawing more of one thing never shifts another."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for. The numbers are part of every result: they never change meaning."""

    INITIALISATION = 0
    SCHEDULE = 1
    EXAMPLES = 2
    NOISE = 3  # whatever a model draws while it trains, such as dropout
    CONTROLS = 4  # labels made up to compare others with
    NULL = 5  # pairs and random directions of the null of the commutator defect
    VERIFICATION = 6  # pairs that are computed again
    ORDERS = 7  # orders of examples that are compared
    PERTURBATION = 8  # what a replica draws for itself: directions, elements, orders of its batches
    MEASURED = 9  # examples on which replicas are compared
    BOOTSTRAP = 10  # resamples behind the interval of a mean
    ALIGNMENT = 11  # orders in which groups of units are matched
    TANGENTS = 12  # first tangents of Lyapunov exponents


def generator(seed: int, stream: Stream, *branch: int) -> np.random.Generator:
    """A counter-based (Philox) NumPy generator of the stream, or of one of its independent branches."""
    return np.random.Generator(np.random.Philox(_sequence(seed, stream, branch)))


def torch_seed(seed: int, stream: Stream, *branch: int) -> int:
    """A 64-bit seed for PyTorch's generators."""
    return int(_sequence(seed, stream, branch).generate_state(1, np.uint64)[0])


def _sequence(seed: int, stream: Stream, branch: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=(int(stream), *branch))
