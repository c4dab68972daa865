"""Commits outcomes: block, record, objects, rows, log and the job's progress in one transaction, fenced by the token.

Lock order: job rows by id, then block rows by id.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg2
from sqlalchemy import Connection, exc, text

from schemas.blocks import BlockError, BlockRecord
from service.queue.failures import Tries
from service.queue.outcomes import Broken, Done
from service.queue.replacement import replace_objects
from service.queue.results import Finished, forget, keep, store
from service.queue.settle import LockedJob, lock, settle
from service.queue.verdicts import BrokenBlock, pass_verdicts

__all__ = ["Broken", "Done", "commit"]

# What an outcome itself can be guilty of. Anything else, such as a full disk or a lost connection, is raised.
_POISON = (ValueError, exc.DataError, exc.IntegrityError, psycopg2.DataError, psycopg2.IntegrityError)

_HELD = text("""
    select b.id, b.job_id, b.kind, b.payload::text as payload, b.leased_on,
           b.attempts, b.max_attempts, b.lost, b.waits, b.shrink, b.mending,
           jsonb_array_length(b.record -> 'objects') as kept
    from unnest(cast(:ids as bigint[]), cast(:jobs as bigint[]), cast(:tokens as uuid[])) as v(id, job_id, token)
    join blocks b on b.id = v.id and b.job_id = v.job_id
    where b.state = 'running' and b.lease_token = v.token and b.lease_until > clock_timestamp()
    order by b.id for no key update of b
""")
# A block that was mended keeps the record of the run that found its rows.
_FINISH = text("""
    update blocks b
    set state = 'done', finished_at = clock_timestamp(), lease_token = null, lease_until = null, reason = null,
        error = null, mending = false, record = case when b.mending then b.record else cast(v.record as jsonb) end,
        seconds = case when b.mending then b.seconds else v.seconds end
    from unnest(cast(:ids as bigint[]), cast(:tokens as uuid[]), cast(:records as text[]), cast(:seconds as float8[]))
        as v(id, token, record, seconds)
    where b.id = v.id and b.state = 'running' and b.lease_token = v.token
""")
# A failed block has a record only when it left a part of its work: what that was computed with.
_KEEP_RECORD = text("update blocks set record = cast(:record as jsonb) where id = :block")


def commit(connection: Connection, outcomes: Sequence[Done | Broken]) -> list[bool]:
    """Commit a batch; for each outcome whether it counted.

    False means that the lease had been lost: nothing of that outcome is kept, and its block runs, or ran, elsewhere.
    An outcome that the database cannot take (rows that do not fit, a second object of one name) counts as an internal
    failure of its block; the others are not harmed.

    Raises:
        sqlalchemy.exc.DBAPIError: the database failed; nothing was committed.
    """
    try:
        with connection.begin_nested():
            return _commit(connection, outcomes)
    except _POISON:
        return [_commit_alone(connection, outcome) for outcome in outcomes]


def _commit_alone(connection: Connection, outcome: Done | Broken) -> bool:
    try:
        with connection.begin_nested():
            return _commit(connection, [outcome])[0]
    except _POISON as error:
        message = f"the result could not be stored: {str(error).splitlines()[0]}"
        refused = BlockError(kind="internal", message=message, traceback=_printable(str(error)))
        return _commit(connection, [Broken(outcome.block_id, outcome.job_id, outcome.token, refused)])[0]


def _commit(connection: Connection, outcomes: Sequence[Done | Broken]) -> list[bool]:
    # The first word about a block counts, should a batch hold two.
    first: dict[int, Done | Broken] = {}
    for outcome in outcomes:
        first.setdefault(outcome.block_id, outcome)
    jobs = lock(connection, {outcome.job_id for outcome in first.values()})
    held = {
        row.id: row
        for row in connection.execute(
            _HELD,
            {
                "ids": [outcome.block_id for outcome in first.values()],
                "jobs": [outcome.job_id for outcome in first.values()],
                "tokens": [str(outcome.token) for outcome in first.values()],
            },
        )
    }
    valid = [outcome for block_id, outcome in first.items() if block_id in held]
    finished = [
        _parsed(outcome, row) for outcome in valid if isinstance(outcome, Done) and (row := held[outcome.block_id])
    ]
    _finish(connection, finished)
    mended = [item for item in finished if held[item.done.block_id].mending]
    fresh = [item for item in finished if not held[item.done.block_id].mending]
    for item in fresh:
        if held[item.done.block_id].kept is not None:
            forget(connection, item)
    store(connection, fresh, jobs)
    replace_objects(connection, mended)
    verdicts = pass_verdicts(
        connection,
        [
            _broken(outcome, held[outcome.block_id], jobs[outcome.job_id])
            for outcome in valid
            if isinstance(outcome, Broken)
        ],
    )
    for outcome in valid:
        if isinstance(outcome, Broken) and outcome.partial is not None and outcome.error.kind == "user":
            _keep(connection, outcome.partial, held[outcome.block_id])
    done = Counter(item.done.job_id for item in finished) + verdicts.returned
    for job_id in sorted({outcome.job_id for outcome in valid}):
        settle(connection, jobs[job_id], done=done[job_id], failure=verdicts.failures.get(job_id))
    return [first[outcome.block_id] is outcome and outcome.block_id in held for outcome in outcomes]


def _parsed(outcome: Done, row: Any) -> Finished:
    record = BlockRecord.model_validate_json(outcome.record_json)
    return Finished(outcome, record, row.kind, row.payload, row.leased_on)


def _keep(connection: Connection, partial: Done, row: Any) -> None:
    """Store what a block had made before it failed for good, unless a run of it before a retry had made more."""
    made = _parsed(partial, row)
    if row.mending:
        return
    if row.kept is not None:
        if row.kept > len(made.record.objects):
            return
        forget(connection, made)
    connection.execute(_KEEP_RECORD, {"block": partial.block_id, "record": partial.record_json})
    keep(connection, [made])


def _finish(connection: Connection, finished: Sequence[Finished]) -> None:
    if not finished:
        return
    updated = connection.execute(
        _FINISH,
        {
            "ids": [item.done.block_id for item in finished],
            "tokens": [str(item.done.token) for item in finished],
            "records": [item.done.record_json for item in finished],
            "seconds": [item.record.seconds for item in finished],
        },
    )
    if updated.rowcount != len(finished):
        raise RuntimeError(f"{len(finished)} blocks were held under lock but {updated.rowcount} could be finished")


def _broken(outcome: Broken, row: Any, job: LockedJob) -> BrokenBlock:
    error = outcome.error
    return BrokenBlock(
        id=row.id,
        job_id=row.job_id,
        tries=Tries(row.attempts, row.max_attempts, row.lost, row.waits, row.shrink),
        error=error.model_copy(
            update={
                "message": _printable(error.message),
                "traceback": None if error.traceback is None else _printable(error.traceback),
            }
        ),
        stopping=job.stopping,
        mending=row.mending,
    )


def _printable(words: str) -> str:
    """The text as Postgres can hold it: no NUL, no lone surrogates."""
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
