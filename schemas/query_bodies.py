"""Bodies of the HTTP API about queries."""

from typing import Annotated

from pydantic import Field

from schemas.base import Spec

MOST_ROWS = 10_000_000
LONGEST_SECONDS = 600.0

ParameterValue = bool | int | float | str | None


class Query(Spec):
    """A statement to run on the views of schema `results`, as the role that may only read them."""

    sql: Annotated[str, Field(min_length=1, max_length=100_000)]
    """One SELECT, WITH, VALUES, TABLE, EXPLAIN or SHOW."""
    limit: Annotated[int, Field(ge=0, le=MOST_ROWS)] = 100_000
    """Most rows wanted. One more is sent where there are more, so that whoever asked can tell."""
    timeout_seconds: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 30.0
    """Longest it may take until its last row was read."""
    parameters: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], ParameterValue] = Field(default={})
    """Values for names that stand in the statement as `:name`."""
