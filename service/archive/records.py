"""How an imported job went: its blocks, its log, and which objects they made, with the numbers and keys of here."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from schemas.blocks import BlockRecord, Need, payload
from schemas.exports import StoredObject, upload_key
from service.errors import Refused

_BLOCKS = text("""
    insert into blocks (
        job_id, seq, phase, kind, payload, needs, state, device, attempts, runs, lost, waits, shrink, seconds,
        started_at, finished_at, leased_on, record
    )
    select :job, seq, phase, kind, payload, needs, 'done', device, attempts, runs, lost, waits, shrink, seconds,
           started_at, finished_at, leased_on, record
    from jsonb_to_recordset(cast(:rows as jsonb)) as row(
        seq integer, phase integer, kind text, payload jsonb, needs jsonb, device text, attempts integer,
        runs integer, lost integer, waits integer, shrink integer, seconds double precision,
        started_at timestamptz, finished_at timestamptz, leased_on text, record jsonb
    )
""")
_EVENTS = text("""
    insert into events (job_id, block_id, at, level, message, data)
    select :job, b.id, row.at, row.level, row.message, row.data
    from jsonb_to_recordset(cast(:rows as jsonb)) as row(
        line bigint, at timestamptz, level text, seq integer, message text, data jsonb
    )
    left join blocks b on b.job_id = :job and b.seq = row.seq
    order by row.line
""")
_OBJECTS = text("""
    insert into objects (job_id, name, key, sha256, size_bytes, arrays, block_id, dropped_at, drop_reason)
    select :job, row.name, row.key, row.sha256, row.size_bytes, row.arrays, b.id,
           case when row.absent then clock_timestamp() end, case when row.absent then 'absent from its export' end
    from jsonb_to_recordset(cast(:rows as jsonb)) as row(
        name text, key text, sha256 text, size_bytes bigint, arrays jsonb, seq integer, absent boolean
    )
    join blocks b on b.job_id = :job and b.seq = row.seq
""")
_PIECE = 1_000
"""Blocks or log lines of one statement."""


def store_blocks(
    connection: Connection, job_id: int, rows: Iterable[Mapping[str, Any]], numbers: Mapping[int, int]
) -> dict[str, int]:
    """Insert done blocks; which of them made each object, by name.

    Args:
        connection: In a transaction.
        job_id: The job here.
        rows: Of the table `blocks`.
        numbers: Number there to number here, of the job itself and of its parents.

    Raises:
        Refused: a block is not one that this version can read, or needs another job.
    """
    made_by: dict[str, int] = {}
    for piece in _pieces(rows):
        values = []
        for row in piece:
            try:
                record = BlockRecord.model_validate_json(row["record"])
                payload.validate_json(row["payload"])
                needs = [_renumbered(Need.model_validate(need), numbers) for need in json.loads(row["needs"])]
            except (ValueError, KeyError) as error:
                raise Refused(
                    "bad_file",
                    f"block {row['seq']} of the job cannot be read ({str(error).splitlines()[0]}): import it with "
                    "the version of Holonomy that exported it, or a later one",
                ) from None
            made_by |= {made.name: row["seq"] for made in record.objects}
            here = [made.model_copy(update={"key": upload_key(made.sha256)}) for made in record.objects]
            values.append(
                {
                    **row,
                    "payload": json.loads(row["payload"]),
                    "needs": needs,
                    "record": record.model_copy(update={"objects": tuple(here)}).model_dump(mode="json"),
                }
            )
        connection.execute(_BLOCKS, {"job": job_id, "rows": json.dumps(values)})
    return made_by


def store_objects(
    connection: Connection, job_id: int, stored: Iterable[StoredObject], made_by: Mapping[str, int]
) -> None:
    """Name the uploaded objects; those that are absent are named as dropped.

    Raises:
        Refused: no block made one of them, or one that a block made is not among them.
    """
    unnamed = set(made_by)
    for piece in _pieces(stored):
        orphan = next((one.name for one in piece if one.name not in made_by), None)
        if orphan is not None:
            raise Refused("bad_import", f"no block made the object {orphan}: export the job again")
        values = [
            {**one.model_dump(mode="json"), "key": upload_key(one.sha256), "seq": made_by[one.name]} for one in piece
        ]
        connection.execute(_OBJECTS, {"job": job_id, "rows": json.dumps(values)})
        unnamed -= {one.name for one in piece}
    if unnamed:
        raise Refused(
            "bad_import",
            f"the job does not name the object {min(unnamed)}, which its blocks made: export it again",
        )


def store_events(connection: Connection, job_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert lines of the log, after the blocks that they are about."""
    for piece in _pieces(rows):
        values = [{**row, "data": json.loads(row["data"])} for row in piece]
        connection.execute(_EVENTS, {"job": job_id, "rows": json.dumps(values)})


def _renumbered(need: Need, numbers: Mapping[int, int]) -> dict[str, Any]:
    if need.job_id not in numbers:
        raise ValueError(f"it needs job {need.job_id}, which is no parent of it")
    return {**need.model_dump(mode="json"), "job_id": numbers[need.job_id]}


def _pieces(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(rows)
    while piece := list(islice(rest, _PIECE)):
        yield piece
