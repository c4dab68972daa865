"""What is said of a column: one line, the same in the database, in Arrow fields and in the reference."""

import re
from dataclasses import dataclass
from typing import Self

_COMMENT = re.compile(r"(?P<meaning>.+?\.) Unit: (?P<unit>.+?)\.(?: Sign: (?P<sign>.+)\.)?")


@dataclass(frozen=True)
class Comment:
    """Meaning, unit and sign."""

    meaning: str
    """A sentence or two."""
    unit: str
    """As in `schemas.units`."""
    sign: str | None = None
    """What a positive value means, where that is a matter of convention."""

    def __str__(self) -> str:
        """One line, as stored in the database."""
        sign = "" if self.sign is None else f" Sign: {self.sign}."
        return f"{self.meaning} Unit: {self.unit}.{sign}"

    @classmethod
    def read(cls, line: str) -> Self:
        """What such a line holds.

        Raises:
            ValueError: it is written otherwise.
        """
        match = _COMMENT.fullmatch(line)
        if match is None:
            raise ValueError(f"a comment reads `Sentence. Unit: loss. Sign: positive where ….`; came {line!r}")
        return cls(match["meaning"], match["unit"], match["sign"])
