"""What a result table is made of."""

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["int", "float", "text", "bool"]


@dataclass(frozen=True)
class Column:
    """One column: `key` columns, with job_id, are the primary key; others may be null when `nullable`."""

    name: str
    type: ColumnType
    meaning: str
    key: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class ResultTable:
    """A table of results."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


STEP = Column("step", "int", "Optimizer step of the checkpoint.", key=True)
"""Of tables with a row per checkpoint."""
