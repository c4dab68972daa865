import pytest

from tests.support.contracts import ContextContract
from tests.support.memory_context import MemoryContext


class TestMemoryContext(ContextContract):
    @pytest.fixture
    def context(self) -> MemoryContext:
        return MemoryContext()

    def put(self, context: MemoryContext, key: str, content: bytes) -> None:
        context.put(key, content)

    def cancel(self, context: MemoryContext) -> None:
        context.cancelled = True
