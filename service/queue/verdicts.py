"""Writes what `failures.judge` decided about blocks that broke."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from schemas.blocks import BlockError
from schemas.states import TERMINAL_BLOCKS, BlockState
from service.queue.events import Line, write
from service.queue.failures import Tries, Verdict, judge

_WRITE = text("""
    update blocks b
    set state = v.state, mending = b.mending and v.state = 'ready',
        attempts = v.attempts, lost = v.lost, waits = v.waits, shrink = v.shrink,
        reason = v.reason, error = cast(v.error as jsonb), lease_token = null, lease_until = null,
        ready_at = clock_timestamp() + make_interval(secs => v.delay),
        finished_at = case when v.state = 'ready' then null else clock_timestamp() end
    from unnest(
        cast(:ids as bigint[]), cast(:states as text[]), cast(:attempts as int[]), cast(:losts as int[]),
        cast(:waits as int[]), cast(:shrinks as int[]), cast(:reasons as text[]), cast(:errors as text[]),
        cast(:delays as float8[])
    ) as v(id, state, attempts, lost, waits, shrink, reason, error, delay)
    where b.id = v.id and b.state = 'running'
""")


@dataclass(frozen=True)
class BrokenBlock:
    """A running block, its row locked, whose run failed."""

    id: int
    job_id: int
    tries: Tries
    error: BlockError
    stopping: bool
    mending: bool = False
    """It was done before: a failure costs none of its results."""


@dataclass(frozen=True)
class Verdicts:
    """What was decided.

    Attributes:
        failures: Error of the first block that failed for good, by job.
        returned: Blocks that could not be mended and count as done again, by job.
    """

    failures: dict[int, BlockError]
    returned: Counter[int]


def pass_verdicts(connection: Connection, broken: Iterable[BrokenBlock]) -> Verdicts:
    """Decide about each block and write it down."""
    judged = [(block, _verdict(block)) for block in broken]
    verdicts = Verdicts({}, Counter())
    if not judged:
        return verdicts
    connection.execute(
        _WRITE,
        {
            "ids": [block.id for block, _ in judged],
            "states": [verdict.state.value for _, verdict in judged],
            "attempts": [verdict.attempts for _, verdict in judged],
            "losts": [verdict.lost for _, verdict in judged],
            "waits": [verdict.waits for _, verdict in judged],
            "shrinks": [verdict.shrink for _, verdict in judged],
            "reasons": [verdict.reason for _, verdict in judged],
            "errors": [block.error.model_dump_json() for block, _ in judged],
            "delays": [verdict.delay_seconds for _, verdict in judged],
        },
    )
    write(
        connection,
        [
            Line(
                block.job_id,
                f"{block.error.kind}: {block.error.message} ({verdict.reason})",
                "error" if verdict.state in {BlockState.FAILED, BlockState.DONE} else "warning",
                block.id,
                {"traceback": block.error.traceback} if block.error.traceback else {},
            )
            for block, verdict in judged
        ],
    )
    for block, verdict in judged:
        if verdict.state is BlockState.FAILED:
            verdicts.failures.setdefault(block.job_id, block.error)
    verdicts.returned.update(block.job_id for block, verdict in judged if verdict.state is BlockState.DONE)
    return verdicts


def _verdict(block: BrokenBlock) -> Verdict:
    verdict = judge(block.error, block.tries, stopping=block.stopping)
    if block.mending and verdict.state in TERMINAL_BLOCKS:
        return replace(verdict, state=BlockState.DONE, reason=f"not mended: {verdict.reason}")
    return verdict
