import numpy as np
import pytest
import torch

from workers.errors import BlockFault
from workers.replicas.summaries.looks import Looks, Segment

DIGEST, OTHER = torch.full((32,), 7, dtype=torch.uint8), torch.full((32,), 9, dtype=torch.uint8)


def segment(group: int, start: int, steps: list[int], replicas: list[int], **changes: torch.Tensor) -> Segment:
    """Of a group whose replica r has distance 100 r + step."""
    numbers = [-1 - group, *replicas]
    distance = [[0.0, *(100.0 * replica + step for replica in replicas)] for step in steps]
    metrics = {"distance": torch.tensor(distance, dtype=torch.float64)} if steps else {}
    arrays = {
        "steps": torch.tensor(steps, dtype=torch.int64),
        "replicas": torch.tensor(numbers),
        **metrics,
        "diverged_steps": torch.full((len(numbers),), -1),
        "first_moves": torch.tensor([float(number) for number in numbers], dtype=torch.float64),
        "baseline_digest": DIGEST,
        "twin_digest": DIGEST,
    }
    return Segment.named(f"looks/{group:05d}/{start:09d}", arrays | changes)


def test_replicas_stand_in_their_order_whatever_the_order_of_groups_and_segments() -> None:
    segments = [segment(1, 5, [10], [0, 2]), segment(0, 5, [10], [1]), segment(0, 0, [0, 5], [1])]
    looks = Looks.of([*segments, segment(1, 0, [0, 5], [0, 2])], 3)
    assert looks.steps.tolist() == [0, 5, 10]
    assert looks.metrics["distance"].tolist() == [[0, 100, 200], [5, 105, 205], [10, 110, 210]]
    assert looks.groups.tolist() == [1, 0, 1]
    assert looks.first_moves.tolist() == [0, 1, 2]
    assert [twin.group for twin in looks.twins] == [0, 1]
    assert looks.floors_held == {0: True, 1: True}


def test_a_segment_without_looks_is_no_hole() -> None:
    looks = Looks.of([segment(0, 0, [0], [0]), segment(0, 3, [], [0]), segment(0, 6, [9], [0])], 1)
    assert looks.steps.tolist() == [0, 9]


def test_a_diverged_replica_counts_until_it_diverges() -> None:
    last = segment(0, 0, [0, 5, 10], [0, 1], diverged_steps=torch.tensor([-1, 5, -1]))
    looks = Looks.of([last], 2)
    np.testing.assert_array_equal(looks.metrics["distance"], [[0, 100], [np.nan, 105], [np.nan, 110]])
    assert looks.diverged_steps.tolist() == [5, -1]


@pytest.mark.parametrize(
    ("spoiled", "held"),
    [
        ({"twin_digest": OTHER}, {0: True, 1: False}),
        ({"distance": torch.tensor([[1e-300, 105.0]], dtype=torch.float64)}, {0: True, 1: False}),
        ({"distance": torch.tensor([[float("nan"), 105.0]], dtype=torch.float64)}, {0: True, 1: False}),
        ({"baseline_digest": OTHER, "twin_digest": OTHER}, {0: False, 1: False}),
    ],
    ids=["digest", "distance", "nan", "baselines"],
)
def test_the_floor_holds_only_bit_by_bit_in_every_segment(
    spoiled: dict[str, torch.Tensor], held: dict[int, bool]
) -> None:
    segments = [segment(0, 0, [0], [0]), segment(0, 5, [5], [0]), segment(0, 9, [9], [0])]
    segments += [segment(1, 0, [0], [1]), segment(1, 5, [5], [1], **spoiled), segment(1, 9, [9], [1])]
    assert Looks.of(segments, 2).floors_held == held


def test_groups_that_were_looked_at_at_other_steps_are_refused() -> None:
    with pytest.raises(BlockFault, match="must be looked at at the same steps"):
        Looks.of([segment(0, 0, [0, 5], [0]), segment(1, 0, [0, 6], [1])], 2)


@pytest.mark.parametrize("replicas", [[0], [0, 0, 1], [0, 1, 2, 3]])
def test_missing_or_doubled_replicas_are_refused(replicas: list[int]) -> None:
    with pytest.raises(BlockFault, match="must hold each of 3 replicas once"):
        Looks.of([segment(0, 0, [0], replicas)], 3)
