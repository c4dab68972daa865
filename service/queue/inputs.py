"""Resolves what blocks need, by name, to objects that were committed."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, text

from schemas.blocks import Need

_NAMED = text("""
    select o.job_id, o.name, o.key, o.sha256, o.size_bytes, o.arrays, o.dropped_at
    from unnest(cast(:jobs as bigint[]), cast(:names as text[])) as v(job_id, name)
    join objects o on o.job_id = v.job_id and o.name = v.name
""")
_PREFIXED = text("""
    select job_id, name, key, sha256, size_bytes, arrays, dropped_at from objects
    where job_id = :job and starts_with(name, :prefix) order by name
""")

Reference = dict[str, Any]

_needs: TypeAdapter[tuple[Need, ...]] = TypeAdapter(tuple[Need, ...])


class InputMissing(Exception):
    """A block was ready although something it needs is not there, or cannot be read from its row."""


def resolve(connection: Connection, needs: Mapping[int, Any]) -> dict[int, str | InputMissing]:
    """For each block id, the JSON list of ObjectRefs for its needs in their order, or what is missing.

    Needs come as they stand in the row. One row that cannot be read is that block's fault and no other's.
    """
    resolved: dict[int, str | InputMissing] = {}
    parsed: dict[int, tuple[Need, ...]] = {}
    for block_id, value in needs.items():
        try:
            parsed[block_id] = _needs.validate_python(value)
        except ValidationError as error:
            resolved[block_id] = InputMissing(f"the block's needs cannot be read: {error.errors()[0]['msg']}")
    found = _find(connection, {need for block in parsed.values() for need in block})
    for block_id, block in parsed.items():
        answers = [found[need] for need in block]
        missing = next((answer for answer in answers if isinstance(answer, InputMissing)), None)
        references = [reference for answer in answers if isinstance(answer, list) for reference in answer]
        resolved[block_id] = missing or json.dumps(references)
    return resolved


def _find(connection: Connection, wanted: set[Need]) -> dict[Need, list[Reference] | InputMissing]:
    rows: dict[Need, list[Any]] = {need: [] for need in wanted}
    named = [need for need in wanted if not need.prefix]
    if named:
        values = {"jobs": [need.job_id for need in named], "names": [need.name for need in named]}
        for row in connection.execute(_NAMED, values):
            rows[Need(job_id=row.job_id, name=row.name)].append(row)
    for need in wanted:
        if need.prefix:
            rows[need] = list(connection.execute(_PREFIXED, {"job": need.job_id, "prefix": need.name}))
    return {need: _references(need, its) for need, its in rows.items()}


def _references(need: Need, rows: list[Any]) -> list[Reference] | InputMissing:
    if not rows:
        return InputMissing(f"job {need.job_id} has no object `{need.name}`")
    dropped = next((row.name for row in rows if row.dropped_at is not None), None)
    if dropped is not None:
        return InputMissing(
            f"object `{dropped}` of job {need.job_id} was dropped by retention: "
            f"`holonomy fsck --mend {need.job_id}` computes it again"
        )
    return [_reference(row) for row in rows]


def _reference(row: Any) -> Reference:
    return {
        "name": row.name,
        "key": row.key,
        "sha256": row.sha256,
        "size_bytes": row.size_bytes,
        "arrays": row.arrays,
    }
