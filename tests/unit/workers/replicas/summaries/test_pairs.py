import pytest
import torch
from torch import Tensor

from workers.errors import BlockFault
from workers.replicas.summaries.pairs import Pairs


def group(replicas: list[int]) -> dict[str, Tensor]:
    values = torch.tensor([[float(replica) for replica in replicas]] * 3, dtype=torch.float64)
    return {
        "replicas": torch.tensor(replicas),
        "start_steps": torch.tensor([0, 0, 4]),
        "steps": torch.tensor([0, 4, 4]),
        "weights": values,
        "logits": -values,
    }


def test_replicas_stand_in_their_order() -> None:
    found = Pairs.of([group([2]), group([0, 1])], 3)
    assert found.steps == [(0, 0), (0, 4), (4, 4)]
    assert found.quantities["weights"].tolist() == [[0, 1, 2]] * 3
    assert found.quantities["logits"].tolist() == [[0, -1, -2]] * 3


def test_missing_replicas_are_refused() -> None:
    with pytest.raises(BlockFault, match="the correlations of a job must hold each of 3 replicas once"):
        Pairs.of([group([0, 2])], 3)
