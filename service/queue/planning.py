"""Plans one queued job: its blocks are inserted, or put back, and it runs, or it fails because a parent did."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, text

from schemas.blocks import BlockError, JobId, Need
from schemas.jobs import AnyJob, job_spec, training_of
from schemas.states import JobState
from service.planner.blocks import Plan, PlannedBlock
from service.planner.costs import cost_keys
from service.planner.plan import Cluster, plan
from service.planner.size import DataSize, data_size
from service.queue.admission import admitted
from service.queue.caps import LIMITED
from service.queue.costs import measured
from service.queue.datasets import manifest_of
from service.queue.dispatchers import cluster
from service.queue.events import Line, write
from service.queue.mending import InputsDropped, dropped, failed_to_mend, unfinished_needs
from service.queue.retry import resume
from service.queue.settle import fail

_QUEUED = text(f"""
    select j.id, j.spec, j.priority, j.blocks_total, {LIMITED} as capped
    from jobs j join projects p on p.name = j.project left join sweeps s on s.id = j.sweep_id
    where j.id = :job and j.state = 'queued' for no key update of j skip locked
""")  # noqa: S608 - constants only
_PARENTS = text("""
    select p.id, p.kind, p.state, p.reason from job_parents l join jobs p on p.id = l.parent_id
    where l.job_id = :job order by p.id
""")
_RUN = text("""
    update jobs set state = 'running', reason = null, phase = 0, blocks_total = :total, phase_end = :first,
        capped = :capped, plan = cast(:details as jsonb)
    where id = :job
""")
_COPY = """
    copy blocks (job_id, seq, phase, kind, payload, needs, state, device, priority, capped, reason, timeout_seconds)
    from stdin
"""
# A statement loads this many blocks, so that the statement timeout is one of a piece and not of a whole large job.
_PIECE = 20_000


def plan_job(connection: Connection, job_id: int) -> bool:
    """Plan a queued job if its parents are done and its sweep and project have room; whether it left the queue.

    A job that another process is planning, or that is no longer queued, is left alone.

    Raises:
        InputsDropped: retention dropped what it needs of its parents.
    """
    if not admitted(connection, job_id):
        return False
    job = connection.execute(_QUEUED, {"job": job_id}).one_or_none()
    if job is None:
        return False
    parents = connection.execute(_PARENTS, {"job": job_id}).all()
    for parent in parents:
        if parent.state in {JobState.FAILED, JobState.CANCELLED}:
            fail(connection, job_id, _because_of(parent))
            return True
    if any(parent.state != JobState.DONE for parent in parents):
        return False
    if job.blocks_total:
        if _inputs_there(connection, job_id, parents, unfinished_needs(connection, job_id)):
            resume(connection, job_id)
        return True
    made = _plan(connection, job, parents[0].id if parents else None)
    if not _inputs_there(connection, job_id, parents, {need for block in made.blocks for need in block.needs}):
        return True
    _insert(connection, job, made)
    first = sum(1 for block in made.blocks if block.phase == 0)
    values = {"job": job_id, "total": len(made.blocks), "first": first, "capped": job.capped}
    connection.execute(_RUN, values | {"details": json.dumps(made.details)})
    write(connection, [Line(job_id, f"planned {len(made.blocks):,} blocks", data=made.details)])
    return True


def _inputs_there(connection: Connection, job_id: int, parents: Sequence[Any], needs: Iterable[Need]) -> bool:
    """Whether what a job needs of others is there; a job that needs what cannot be had fails.

    Raises:
        InputsDropped: parents must be mended first.
    """
    gone = dropped(connection, (need for need in needs if need.job_id != job_id))
    foreign = min(gone.keys() - {parent.id for parent in parents}, default=None)
    if foreign is not None:
        message = (
            f"object `{min(gone[foreign])}` of job {foreign}, which a projection needs, was dropped by retention: "
            f"`holonomy fsck --mend {foreign}` computes it again; then retry this job"
        )
        fail(connection, job_id, BlockError(kind="user", message=message))
        return False
    failure = failed_to_mend(connection, gone)
    if failure is not None:
        fail(connection, job_id, BlockError(kind="user", message=failure))
        return False
    if gone:
        raise InputsDropped(gone)
    return True


def _plan(connection: Connection, job: Any, parent_id: int | None) -> Plan:
    spec = job_spec.validate_python(job.spec)
    return plan(
        spec,
        job_id=JobId(job.id),
        parent_id=None if parent_id is None else JobId(parent_id),
        data=_data(connection, spec),
        costs=measured(connection, cost_keys(spec).values()),
        cluster=cluster(connection) or Cluster(),
    )


def _data(connection: Connection, spec: AnyJob) -> DataSize:
    training = training_of(spec)
    if training is None:
        return DataSize(None, None, None, None)
    return data_size(training.data, manifest_of(connection, spec))


def _insert(connection: Connection, job: Any, made: Plan) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        for start in range(0, len(made.blocks), _PIECE):
            lines = _lines(job, made.blocks[start : start + _PIECE], start)
            cursor.copy_expert(_COPY, io.BytesIO("".join(lines).encode()))
    finally:
        cursor.close()


def _lines(job: Any, blocks: Sequence[PlannedBlock], start: int) -> Iterator[str]:
    """Blocks in COPY's text format: fields between tabs, null as backslash N, backslashes doubled."""
    for seq, block in enumerate(blocks, start):
        needs = "[" + ",".join(need.model_dump_json() for need in block.needs) + "]"
        fields = (
            str(job.id),
            str(seq),
            str(block.phase),
            block.payload.kind,
            _escaped(block.payload.model_dump_json()),
            _escaped(needs),
            "ready" if block.phase == 0 else "waiting",
            block.device,
            str(job.priority),
            "t" if job.capped else "f",
            "\\N" if block.phase == 0 else "waiting for an earlier phase",
            "\\N" if block.timeout_seconds is None else repr(block.timeout_seconds),
        )
        yield "\t".join(fields) + "\n"


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\")


def _because_of(parent: Any) -> BlockError:
    if parent.state == JobState.FAILED:
        message = f"its parent, job {parent.id} ({parent.kind}), failed: {parent.reason}"
    else:
        message = f"its parent, job {parent.id} ({parent.kind}), was cancelled: retry this job to run both again"
    return BlockError(kind="user", message=message)
