"""Lines of a job's log."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

_INSERT = text("""
    insert into events (job_id, block_id, level, message, data)
    select * from unnest(
        cast(:jobs as bigint[]), cast(:blocks as bigint[]), cast(:levels as text[]), cast(:messages as text[]),
        cast(:data as jsonb[])
    )
""")


@dataclass(frozen=True)
class Line:
    """One line, about a job and perhaps one of its blocks."""

    job_id: int
    message: str
    level: str = "info"
    block_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


def write(connection: Connection, lines: Sequence[Line]) -> None:
    """Append lines, in order."""
    if not lines:
        return
    connection.execute(
        _INSERT,
        {
            "jobs": [line.job_id for line in lines],
            "blocks": [line.block_id for line in lines],
            "levels": [line.level for line in lines],
            "messages": [line.message for line in lines],
            "data": [json.dumps(line.data) for line in lines],
        },
    )
