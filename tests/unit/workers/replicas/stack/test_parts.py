import pytest
import torch

from schemas.optimizers import Sgd
from workers.errors import BlockFault
from workers.replicas.stack.parts import Part, check_cover


def part(*members: int) -> Part:
    return Part(members, torch.arange(4), Sgd())


def test_examples_are_shared_or_one_batch_each() -> None:
    assert part(0, 2).shared
    assert not Part((0, 2), torch.zeros(2, 4, dtype=torch.int64), Sgd()).shared
    with pytest.raises(BlockFault, match="a part of 2 members has batches for 3"):
        Part((0, 2), torch.zeros(3, 4, dtype=torch.int64), Sgd())
    with pytest.raises(BlockFault, match=r"examples are \(B,\) or \(m, B\), came \(\)"):
        Part((0,), torch.tensor(3), Sgd())


def test_parts_cover_the_members_once() -> None:
    check_cover([part(1, 3), part(0, 2)], 4)
    for parts in ([part(0, 1)], [part(0, 1), part(1, 2)], [part(0, 1, 2, 3)], []):
        with pytest.raises(BlockFault, match="must hold each of 3 members once"):
            check_cover(parts, 3)
    with pytest.raises(BlockFault, match="must ascend"):
        check_cover([part(1, 0)], 2)
