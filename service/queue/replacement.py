"""Replaces the objects of a block that was mended; its rows are there and stay."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, text

from schemas.blocks import ObjectRef
from service.queue.events import Line, write
from service.queue.results import Finished

_BEFORE = text("select name, sha256 from objects where job_id = :job and block_id = :block")
_REPLACE = text("""
    update objects o
    set key = v.key, sha256 = v.sha256, size_bytes = v.size_bytes, arrays = v.arrays, dropped_at = null,
        drop_reason = null
    from unnest(
        cast(:names as text[]), cast(:keys as text[]), cast(:sha256s as text[]), cast(:sizes as bigint[]),
        cast(:arrays as jsonb[])
    ) as v(name, key, sha256, size_bytes, arrays)
    where o.job_id = :job and o.block_id = :block and o.name = v.name
""")
_SHOWN = 5


def replace_objects(connection: Connection, mended: Sequence[Finished]) -> None:
    """Let the rows of these blocks' objects name what was written now, and log whether the bytes are as before.

    The objects written first are named by nobody from here on; `holonomy gc` collects them.
    """
    for item in mended:
        block = {"job": item.done.job_id, "block": item.done.block_id}
        before = {row.name: row.sha256 for row in connection.execute(_BEFORE, block)}
        objects = item.record.objects
        values = {
            "names": [ref.name for ref in objects],
            "keys": [ref.key for ref in objects],
            "sha256s": [ref.sha256 for ref in objects],
            "sizes": [ref.size_bytes for ref in objects],
            "arrays": [
                json.dumps({name: info.model_dump(mode="json") for name, info in ref.arrays.items()})
                for ref in objects
            ],
        }
        connection.execute(_REPLACE, block | values)
        write(connection, [_line(item, before, objects)])


def _line(item: Finished, before: dict[str, str], objects: Sequence[ObjectRef]) -> Line:
    other = [ref.name for ref in objects if before.get(ref.name) != ref.sha256]
    data = {"provenance": item.record.provenance}
    if not other:
        message = f"mended: {len(objects)} objects with the same bytes as before"
        return Line(item.done.job_id, message, "info", item.done.block_id, data)
    names = ", ".join(other[:_SHOWN]) + (", …" if len(other) > _SHOWN else "")
    message = (
        f"mended: {len(other)} of {len(objects)} objects have other bytes than before ({names}): they were computed "
        "on another device or by another version than the rows of this block"
    )
    return Line(item.done.job_id, message, "warning", item.done.block_id, data)
