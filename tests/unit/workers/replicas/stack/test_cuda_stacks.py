"""Lots of several members on a GPU: the same bits wherever a member stands, and the steps of a CPU."""

from collections.abc import Iterable, Sequence

import pytest
import torch

from tests.support.stacks import RULES, batch, moved, together
from workers.determinism import deterministic
from workers.replicas.stack import Part, Stack
from workers.replicas.stack.lots import GPU_LOT

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
STEPS = 20
NAMES = ["mlp", "mlp-gelu", "convnet", "transformer", "frozen"]


@pytest.fixture(autouse=True)
def _deterministic(lab: None) -> Iterable[None]:
    with deterministic():
        yield


def trained(name: str, who: Sequence[int], dtype: torch.dtype, device: str = "cuda", rule: str = "adam") -> Stack:
    given = moved(name, who, rule, dtype, device)
    for step in range(1, STEPS + 1):
        given.step(step, together(len(who), step, rule))
    return given


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_no_bit_depends_on_the_other_members(name: str, dtype: torch.dtype) -> None:
    ones = (0, 1, 2)
    single = [trained(name, [one], dtype).digest(0) for one in ones]
    for who in ([2, 0, 1], [*range(GPU_LOT + 5, 2, -1), 2, 1, 0], range(GPU_LOT)):
        given = trained(name, who, dtype)
        assert [given.digest(list(who).index(one)) for one in ones] == single


@pytest.mark.parametrize("name", NAMES)
def test_shared_batches_and_own_ones_give_the_same_bits(name: str) -> None:
    whole = trained(name, range(5), torch.float32)
    given = moved(name, range(5), "adam", torch.float32, "cuda")
    for step in range(1, STEPS + 1):
        own = torch.stack([batch(step)] * 3)
        given.step(step, [Part((0, 2, 3), own, RULES["adam"]), Part((1, 4), batch(step), RULES["adam"])])
    assert [given.digest(member) for member in range(5)] == [whole.digest(member) for member in range(5)]


@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_takes_the_steps_of_a_cpu(name: str) -> None:
    there, here = (trained(name, range(3), torch.float64, device) for device in ("cuda", "cpu"))
    for key, tensor in (there.parameters | there.buffers).items():
        expected = (here.parameters | here.buffers)[key]
        torch.testing.assert_close(tensor.cpu(), expected, rtol=1e-8, atol=1e-8, msg=key)
