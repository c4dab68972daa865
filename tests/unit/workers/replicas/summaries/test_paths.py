import pytest
import torch
from torch import Tensor

from workers.errors import BlockFault
from workers.replicas.between import QUANTITIES, SPLITS, VALUES
from workers.replicas.summaries.paths import Paths


def path(step: int, group: int, replicas: list[int], alignments: int = 2) -> tuple[str, dict[str, Tensor]]:
    """Replica r at step s has aligned distance s + r, and a test error barrier of s + r + 10 · aligned."""
    numbers = torch.tensor(replicas)
    barrier = torch.full((len(replicas), alignments, 2, 2, 5), -1.0, dtype=torch.float64)
    for aligned in range(alignments):
        place = (SPLITS.index("test"), QUANTITIES.index("error"), VALUES.index("max_minus_ends"))
        barrier[:, aligned, place[0], place[1], place[2]] = (step + numbers + 10 * aligned).double()
    arrays = {"replicas": numbers, "aligned_distance": (step + numbers).double(), "barrier": barrier}
    return f"paths/{step:09d}/{group:05d}/{replicas[0]:05d}", arrays


def test_replicas_and_checkpoints_stand_in_their_order() -> None:
    found = Paths.of([path(5, 0, [0, 1]), path(5, 1, [2]), path(0, 1, [2]), path(0, 0, [1]), path(0, 0, [0])], 3)
    assert found.steps.tolist() == [0, 5]
    assert found.aligned_distances is not None
    assert found.aligned_distances.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert found.errors is not None
    assert found.errors.tolist() == [[[0, 1, 2], [10, 11, 12]], [[5, 6, 7], [15, 16, 17]]]


def test_what_was_not_asked_for_is_none() -> None:
    name, arrays = path(0, 0, [0, 1], alignments=1)
    alone = Paths.of([(name, {"replicas": arrays["replicas"], "barrier": arrays["barrier"]})], 2)
    assert alone.aligned_distances is None
    assert alone.errors is not None
    assert alone.errors.shape == (1, 1, 2)
    assert Paths.of([(name, {"replicas": arrays["replicas"]})], 2).errors is None


def test_missing_replicas_are_refused_with_their_step() -> None:
    with pytest.raises(BlockFault, match="the paths of step 5 must hold each of 2 replicas once"):
        Paths.of([path(0, 0, [0, 1]), path(5, 0, [0])], 2)
