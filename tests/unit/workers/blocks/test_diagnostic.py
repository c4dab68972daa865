import time

import pytest

from schemas.blocks import DiagnosticBlock
from schemas.diagnostic import Diagnostic
from tests.support.memory_context import MemoryContext
from workers.blocks.diagnostic import diagnostic
from workers.errors import Cancelled


def test_it_waits_and_stores_nothing_by_default(context: MemoryContext) -> None:
    start = time.monotonic()
    finished = diagnostic(Diagnostic(seconds=0.05), DiagnosticBlock(index=0), context)
    assert time.monotonic() - start >= 0.05
    assert finished.objects == ()


def test_a_wait_can_be_cancelled(context: MemoryContext) -> None:
    context.cancelled = True
    with pytest.raises(Cancelled):
        diagnostic(Diagnostic(seconds=60), DiagnosticBlock(index=0), context)
