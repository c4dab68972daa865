"""What a dispatcher reports about a block it held."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from schemas.blocks import BlockError
from service.db.copy import Values


@dataclass(frozen=True)
class Done:
    """The block finished. `rows` are those of result tables: table, column, values; `record_json` a BlockRecord."""

    block_id: int
    job_id: int
    token: UUID
    record_json: str
    rows: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)


@dataclass(frozen=True)
class Broken:
    """The block did not finish."""

    block_id: int
    job_id: int
    token: UUID
    error: BlockError
    partial: Done | None = None
    """What it had stored before: kept when the failure is the user's, for then the block does not run again."""
