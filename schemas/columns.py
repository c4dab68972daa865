"""What a result table is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.comments import Comment

ColumnType = Literal["int", "float", "text", "bool"]


@dataclass(frozen=True)
class Column:
    """One column: `key` columns, with job_id, are the primary key; others may be null when `nullable`.

    `unit`, `meaning` and `sign` are those of its `Comment`.
    """

    name: str
    type: ColumnType
    unit: str
    meaning: str
    sign: str | None = None
    key: bool = False
    nullable: bool = False

    @property
    def comment(self) -> str:
        """Sentence, unit and sign in one line."""
        return str(Comment(self.meaning, self.unit, self.sign))


@dataclass(frozen=True)
class ResultTable:
    """A table of results."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Short names that queries may use, and the columns that they stand for."""

    def column(self, name: str) -> Column | None:
        """The column of that name or alias, if there is one."""
        full = self.aliases.get(name, name)
        return next((column for column in self.columns if column.name == full), None)


JOB_ID = Comment("The job it belongs to.", "id")
"""Of the column `job_id`, which every table has."""

STEP = Column("step", "int", "step", "Optimizer step of the checkpoint.", key=True)
"""Of tables with a row per checkpoint."""
