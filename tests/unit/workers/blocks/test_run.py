import pytest

from schemas.blocks import BracketTile, DiagnosticBlock
from schemas.diagnostic import Diagnostic
from tests.support.memory_context import MemoryContext
from workers.blocks import run
from workers.errors import BlockFault, MemoryFault


def test_a_payload_of_another_kind_of_job(context: MemoryContext) -> None:
    with pytest.raises(BlockFault, match="belongs to a Brackets job, its spec is a Diagnostic"):
        run(Diagnostic(), BracketTile(step=0, rows=(0, 1), columns=(0, 1), micro=1), (), context, 0)


def test_running_out_of_memory_is_a_memory_fault(context: MemoryContext, lab: None, job) -> None:
    with pytest.raises(MemoryFault, match="out of memory"):
        job({"model": {"kind": "registry", "name": "hungry"}}).tile()


def test_a_diagnostic_block(context: MemoryContext) -> None:
    spec = Diagnostic(blocks=3, record_bytes=100, store_bytes=50)
    finished = run(spec, DiagnosticBlock(index=2), (), context, 0)
    assert finished.data["index"] == 2
    assert len(finished.data["padding"]) == 100
    assert [ref.name for ref in finished.objects] == ["diagnostic/2"]
    assert context.arrays(finished.objects[0])["bytes"].shape == (50,)


def test_no_pass_through_a_model_is_outside_of_deterministic_mode(job, lab: None) -> None:
    from holonomy_lab import Watchful

    Watchful.seen.clear()
    made = job({"model": {"kind": "registry", "name": "watchful"}}, test_examples=[0, 1])
    trained = len(Watchful.seen)
    made.tile()
    assert 0 < trained < len(Watchful.seen)
    assert all(Watchful.seen)
