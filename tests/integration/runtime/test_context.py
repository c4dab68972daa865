"""The context that blocks get on a worker keeps the contract, over a real S3 server."""

import pytest

from tests.support.contracts import ContextContract
from workers.context import Context
from workers.runtime.cache import Lru
from workers.runtime.context import Attempt, BlockContext, Memory, weigh
from workers.runtime.store import Conflict, ObjectStore, StoreSettings


class _Stoppable(BlockContext):
    """A block context with its own switch."""

    stopped = False


@pytest.fixture
def memory(s3_bucket) -> Memory:
    return Memory(ObjectStore(StoreSettings(s3_bucket.name)), Lru(2**24, weigh), Lru(16), Lru(1))


def _context(memory: Memory, run: int = 1) -> _Stoppable:
    context = _Stoppable(memory, Attempt("d" * 64, 7, 8, run, "0a1b2c3d-4e5f"), "cpu", lambda: context.stopped)
    return context


class TestBlockContext(ContextContract):
    @pytest.fixture
    def context(self, memory: Memory) -> Context:
        return _context(memory)

    def put(self, context: Context, key: str, content: bytes) -> None:
        assert isinstance(context, _Stoppable)
        context._memory.store.put(key, content)

    def cancel(self, context: Context) -> None:
        assert isinstance(context, _Stoppable)
        context.stopped = True


def test_what_passes_does_not_displace_what_stays(memory):
    context = _context(memory)
    stays = context.remember("dataset", object)
    passes = context.remember("state", object, passing=True)
    assert context.remember("state", object, passing=True) is passes
    for number in range(20):
        context.remember(number, object, passing=True)
    assert context.remember("dataset", object) is stays
    assert context.remember("state", object, passing=True) is not passes


def test_another_attempt_writes_under_another_key(memory):
    import torch

    first = _context(memory, run=1).store("a", {"x": torch.ones(1)})
    second = _context(memory, run=2).store("a", {"x": torch.zeros(1)})
    assert first.key == f"jobs/{'d' * 64}/a/7-8-1-0a1b2c3d.safetensors"
    assert second.key == f"jobs/{'d' * 64}/a/7-8-2-0a1b2c3d.safetensors"
    with pytest.raises(Conflict, match="two attempts must not share a key"):
        _context(memory, run=1).store("a", {"x": torch.zeros(1)})


def test_arrays_are_read_once_and_lie_at_even_addresses(memory):
    import torch

    context = _context(memory)
    ref = context.store("a", {"b": torch.zeros(3, dtype=torch.uint8), "x": torch.arange(5.0)})
    first, second = context.arrays(ref)["x"], context.arrays(ref)["x"]
    assert first.data_ptr() == second.data_ptr()
    assert first.data_ptr() % 64 == 0
