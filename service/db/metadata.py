"""What all tables share: one collection of them, names of constraints, columns of moments.

Times are by the database clock. `state` columns hold the values of `schemas.states`; triggers refuse any other move
than the listed ones.
"""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Column, DateTime, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def moment(name: str, *, now: bool = False, required: bool = False, comment: str | None = None) -> Column[object]:
    """A column with a time: null until it is set, or the time of the row's insertion with `now`."""
    default = text("now()") if now else None
    return Column(
        name, DateTime(timezone=True), nullable=not (now or required), server_default=default, comment=comment
    )


def listed(values: Iterable[StrEnum], column: str = "state") -> str:
    """The condition that a column holds one of the values."""
    return f"{column} in (" + ", ".join(f"'{value.value}'" for value in values) + ")"
