"""The jobs of a sweep, and what was varied between them as columns of a data frame."""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from holonomy.connection import Connection
from holonomy.pages import pages
from schemas.states import JobState
from schemas.sweep_bodies import SweepJob, SweepJobPage

if TYPE_CHECKING:
    import polars

_PAGE = 500


def members(connection: Connection, sweep: int, state: JobState | str | None = None) -> Iterator[SweepJob]:
    """Jobs of a sweep in order, all or those in a state, fetched page by page."""
    for page in pages(connection, f"/v1/sweeps/{sweep}/jobs", SweepJobPage, {"state": state}, longest=_PAGE):
        yield from page.items


def varied(connection: Connection, sweeps: Iterable[int], state: JobState | None = None) -> dict[int, dict[str, Any]]:
    """What was varied in the jobs of sweeps, all or those in a state, by number of the job: values by path."""
    found = dict[int, dict[str, Any]]()
    for number in sweeps:
        for member in members(connection, number, state):
            found.setdefault(member.job.id, {}).update(member.varied)
    return found


def with_varied(rows: "polars.DataFrame", values: dict[int, dict[str, Any]]) -> "polars.DataFrame":
    """The rows with a column for every path, behind `job_id`.

    A path that a column of the table is called by comes as `varied.PATH`. Values that are neither all numbers nor all
    text nor all truth values come as JSON.
    """
    known = varied_columns(values, rows.columns)
    joined = rows.join(known, on="job_id", how="left", maintain_order="left")
    return joined.select(*known.columns, *(name for name in rows.columns if name != "job_id"))


def varied_columns(values: dict[int, dict[str, Any]], taken: Collection[str]) -> "polars.DataFrame":
    """A row per job: `job_id`, and a column for every path, called otherwise where its name is taken."""
    import polars

    paths = list(dict.fromkeys(path for one in values.values() for path in one))
    return polars.DataFrame(
        [
            polars.Series("job_id", list(values), polars.Int64),
            *(
                _series(f"varied.{path}" if path in taken else path, [one.get(path) for one in values.values()])
                for path in paths
            ),
        ]
    )


def _series(name: str, values: list[Any]) -> "polars.Series":
    import polars

    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return polars.Series(name, values, polars.Float64)
    if len(kinds) > 1 or not kinds <= {int, float, bool, str}:
        return polars.Series(name, [None if value is None else json.dumps(value) for value in values], polars.String)
    return polars.Series(name, values)
