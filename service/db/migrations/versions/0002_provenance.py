"""A view of what each block found and with what it was computed; what `probability_rms` is for a softmax."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_VIEW = """
    create view results.blocks as
        select job_id, id as block_id, kind, payload, state, seconds,
               record -> 'data' as data, record -> 'provenance' as provenance
        from blocks where record is not null
"""
_MEANINGS = {
    "job_id": "The job it belongs to.",
    "block_id": "Number of the block.",
    "kind": "Kind of its payload.",
    "payload": "What was computed: checkpoint, positions of examples, steps.",
    "state": "done, or another state for a block that left a part of its work before it failed.",
    "seconds": "Wall time of the run that was committed.",
    "data": "What the numbers are: field, loss, power of the learning rate, BatchNorm mode, element type.",
    "provenance": "Versions of code and libraries, device, threads and host.",
}
_GRANT = """
    do $$
    begin
        grant select on results.blocks to holonomy_reader;
    exception
        when insufficient_privilege or undefined_object then
            raise notice 'no grant to holonomy_reader: %', sqlerrm;
    end
    $$
"""
_PROBABILITY = (
    "√ mean of (p(1 − p) J_t [v_i, v_j])²: the same in probability; for a softmax, the part due to the output''s "
    "own logit."
)


def upgrade() -> None:
    """Create the view and correct a comment."""
    op.execute(_VIEW)
    op.execute("comment on view results.blocks is 'Blocks that left results, and with what they were computed.'")
    for column, meaning in _MEANINGS.items():
        op.execute(f"comment on column results.blocks.{column} is '{meaning}'")
    op.execute(_GRANT)
    for outputs in ("outputs", "results.outputs"):
        op.execute(f"comment on column {outputs}.probability_rms is '{_PROBABILITY}'")
