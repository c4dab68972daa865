"""Stores what finished blocks found: objects, rows of result tables, log lines, measured costs."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text

from schemas.blocks import AnyPayload, BlockRecord, ReplicaExponents, ReplicaSegment, TrainingSegment, payload
from schemas.results import RESULT_TABLES
from service.db.copy import BadRows, copy_rows, encode
from service.planner.costs import MeasuredDevice, units
from service.queue.costs import Measurement, learn
from service.queue.events import Line, write
from service.queue.outcomes import Done
from service.queue.settle import LockedJob

_OBJECTS = text("""
    insert into objects (job_id, block_id, name, key, sha256, size_bytes, arrays)
    select * from unnest(
        cast(:jobs as bigint[]), cast(:blocks as bigint[]), cast(:names as text[]), cast(:keys as text[]),
        cast(:sha256s as text[]), cast(:sizes as bigint[]), cast(:arrays as jsonb[])
    )
""")
_FORGET_OBJECTS = text("delete from objects where job_id = :job and block_id = :block")
# Step 0 belongs to the first segment.
_IN_SEGMENT = "step <= :stop and (step > :start or :start = 0)"
_FORGET_ROWS = {
    name: text(f"delete from {name} where job_id = :job and {_IN_SEGMENT}")  # noqa: S608 - our own names
    for name in ("checkpoints", "training_steps", "replica_baseline", "replica_exponents")
}
_FORGET_REPLICAS = {
    name: text(
        f"delete from {name} where job_id = :job and {_IN_SEGMENT} "  # noqa: S608 - our own names
        "and (replica = :twin or replica >= :first and replica < :end)"
    )
    for name in ("replica_metrics", "replica_tensors", "replica_layers")
}


@dataclass(frozen=True)
class Finished:
    """An outcome that holds its block, with the record parsed."""

    done: Done
    record: BlockRecord
    kind: str
    payload_json: str
    device: MeasuredDevice


def store(connection: Connection, finished: Sequence[Finished], jobs: dict[int, LockedJob]) -> None:
    """Write everything but the block itself.

    Raises:
        BadRows: rows that do not fit their table.
    """
    keep(connection, finished)
    learn(
        connection,
        [
            Measurement(key, item.device, count, item.record.kernel_seconds or item.record.seconds)
            for item in finished
            if (key := jobs[item.done.job_id].costs.get(item.kind))
            and (count := units(payload.validate_json(item.payload_json)))
        ],
    )


def keep(connection: Connection, finished: Sequence[Finished]) -> None:
    """Write objects, rows and log lines, and learn nothing about costs: the block may have stopped half way.

    Raises:
        BadRows: rows that do not fit their table.
    """
    _store_objects(connection, finished)
    _store_rows(connection, finished)
    write(
        connection,
        [
            Line(item.done.job_id, line.message, line.level, item.done.block_id, dict(line.data))
            for item in finished
            for line in item.record.log
        ],
    )


def forget(connection: Connection, finished: Finished) -> None:
    """Take back what an earlier run of the block had stored before it failed; its log lines stay."""
    job_id, work = finished.done.job_id, payload.validate_json(finished.payload_json)
    connection.execute(_FORGET_OBJECTS, {"job": job_id, "block": finished.done.block_id})
    for statement, values in _rows_of(work):
        connection.execute(statement, {"job": job_id, **values})


def _rows_of(work: AnyPayload) -> list[tuple[TextClause, dict[str, int]]]:
    """What deletes the rows of a block of a kind that leaves a part of its work when it fails."""
    match work:
        case TrainingSegment():
            tables: tuple[str, ...] = ("checkpoints", "training_steps")
        case ReplicaSegment():
            # The baseline's rows are those of the first group.
            tables = () if work.group else ("replica_baseline",)
        case ReplicaExponents():
            tables = ("replica_exponents",)
        case _:
            return []
    span = {"start": work.start, "stop": work.stop}
    statements = [(_FORGET_ROWS[table], span) for table in tables]
    if isinstance(work, ReplicaSegment):
        own = {"twin": -1 - work.group, "first": work.replicas[0], "end": work.replicas[1]}
        statements += [(statement, span | own) for statement in _FORGET_REPLICAS.values()]
    return statements


def _store_objects(connection: Connection, finished: Sequence[Finished]) -> None:
    objects = [(item.done, reference) for item in finished for reference in item.record.objects]
    if not objects:
        return
    connection.execute(
        _OBJECTS,
        {
            "jobs": [done.job_id for done, _ in objects],
            "blocks": [done.block_id for done, _ in objects],
            "names": [reference.name for _, reference in objects],
            "keys": [reference.key for _, reference in objects],
            "sha256s": [reference.sha256 for _, reference in objects],
            "sizes": [reference.size_bytes for _, reference in objects],
            "arrays": [
                json.dumps({name: array.model_dump(mode="json") for name, array in reference.arrays.items()})
                for _, reference in objects
            ],
        },
    )


def _store_rows(connection: Connection, finished: Sequence[Finished]) -> None:
    encoded: dict[str, list[bytes]] = defaultdict(list)
    for item in finished:
        for name, columns in item.done.rows.items():
            table = RESULT_TABLES.get(name)
            if table is None:
                raise BadRows(f"there is no result table `{name}`; there are {', '.join(RESULT_TABLES)}")
            encoded[name].append(encode(table, item.done.job_id, columns))
    for name in sorted(encoded):
        copy_rows(connection, RESULT_TABLES[name], encoded[name])
