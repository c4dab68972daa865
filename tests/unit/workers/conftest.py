"""A context in memory, a lab's installed package, and one torch thread."""

from pathlib import Path

import pytest
import torch

from tests.support.memory_context import MemoryContext


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def context() -> MemoryContext:
    return MemoryContext()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package `holonomy_lab`, with its entry points, on the import path."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "lab"))
