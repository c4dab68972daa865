"""Tables of jobs as Parquet files of the service: which there are, and a lazy data frame over many of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from holonomy.connection import Connection
from holonomy.errors import Refused, Unconfigured
from holonomy.transport import HttpTransport
from schemas.archives import ARCHIVED, ParquetFiles, ParquetRequest
from schemas.nearest import did_you_mean
from schemas.states import JobState
from schemas.sweep_bodies import SweepJob, SweepJobPage

if TYPE_CHECKING:
    import polars

WRITE_SECONDS = 3_600.0
"""Longest wait for a request: the first demand for a table of a hundred million rows takes most of it."""
_JOBS_AT_ONCE = 50
VARIED = "varied."
"""In front of the path of a varied field in the name of its column."""


def made(connection: Connection, jobs: Sequence[int], tables: Sequence[str]) -> Iterator[ParquetFiles]:
    """The Parquet files of tables of done jobs, written by the service where they were not, some jobs at a time.

    Raises:
        Refused: a job is not done.
        NotFound: there is no such job or table.
    """
    for start in range(0, len(jobs), _JOBS_AT_ONCE):
        request = ParquetRequest(jobs=tuple(jobs[start : start + _JOBS_AT_ONCE]), tables=tuple(tables))
        yield connection.post("/v1/parquet", ParquetFiles, request, repeatable=True, read_seconds=WRITE_SECONDS)


def members(connection: Connection, sweep: int, state: JobState | None = None) -> Iterator[SweepJob]:
    """Jobs of a sweep in order, all or those in a state."""
    cursor: str | None = None
    while True:
        query = {"state": state, "cursor": cursor, "limit": 500}
        page = connection.get(f"/v1/sweeps/{sweep}/jobs", SweepJobPage, query)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def scan(
    connection: Connection, table: str, *, jobs: Sequence[int] = (), sweep: int | None = None
) -> "polars.LazyFrame":
    """A lazy frame over a table of done jobs; see `Client.scan`."""
    import polars

    _check_table(table)
    if not isinstance(connection.transport, HttpTransport):
        raise Unconfigured("scan reads over HTTP: it needs a client that was given the address of a service")
    if (sweep is None) == (not jobs):
        raise Refused("scan takes jobs or a sweep: give one of `jobs` and `sweep`")
    varied: dict[int, Mapping[str, Any]] = {}
    if sweep is not None:
        varied = {one.job.id: one.varied for one in members(connection, sweep, JobState.DONE)}
        if not varied:
            raise Refused(f"no job of sweep {sweep} is done yet: `holonomy sweep watch {sweep}` shows its progress")
    addresses = [
        f"{connection.transport.url}/v1/parquet/job_id={file.job_id}/{table}.parquet?ticket={part.ticket}"
        for part in made(connection, sorted(set(jobs or varied)), [table])
        for file in part.files
    ]
    if not addresses:
        raise Refused(f"none of these jobs is of a kind that has the table {table}")
    frame = polars.scan_parquet(
        addresses, hive_partitioning=True, hive_schema={"job_id": polars.Int64}, glob=False
    ).select("job_id", polars.exclude("job_id"))
    if sweep is None:
        return frame
    return frame.join(varied_frame(varied).lazy(), on="job_id", how="left", maintain_order="left")


def varied_frame(varied: Mapping[int, Mapping[str, Any]]) -> "polars.DataFrame":
    """One row per job: its number, and a column of the narrowest common type for each varied field.

    Fields whose values are of types that have nothing in common are columns of JSON texts.
    """
    import polars

    paths = dict.fromkeys(path for values in varied.values() for path in values)
    columns = {path: _column([values.get(path) for values in varied.values()]) for path in paths}
    return polars.DataFrame(
        {"job_id": polars.Series(list(varied), dtype=polars.Int64)}
        | {f"{VARIED}{path}": column for path, column in columns.items()}
    )


def _column(values: Sequence[Any]) -> "polars.Series":
    import polars

    kinds = {type(value) for value in values if value is not None}
    for allowed, dtype in (
        ({bool}, polars.Boolean),
        ({int}, polars.Int64),
        ({int, float}, polars.Float64),
        ({str}, polars.String),
    ):
        if kinds <= allowed:
            return polars.Series(values, dtype=dtype, strict=False)
    return polars.Series([None if value is None else json.dumps(value) for value in values], dtype=polars.String)


def _check_table(name: str) -> None:
    if name not in ARCHIVED:
        raise Refused(f"there is no table {name!r}{did_you_mean(name, ARCHIVED)}; there are: {', '.join(ARCHIVED)}")
