"""Tables of jobs as Parquet files of the service: which there are, and a lazy data frame over many of them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from holonomy.across import Named, numbers
from holonomy.connection import Connection
from holonomy.errors import Refused, Unconfigured
from holonomy.transport import HttpTransport
from holonomy.varied import varied, varied_columns
from schemas.archives import ARCHIVED, ParquetFiles, ParquetRequest
from schemas.nearest import did_you_mean
from schemas.states import JobState

if TYPE_CHECKING:
    import polars

WRITE_SECONDS = 3_600.0
"""Longest wait for a request: the first demand for a table of a hundred million rows takes most of it."""
_JOBS_AT_ONCE = 50


def made(connection: Connection, jobs: Sequence[int], tables: Sequence[str]) -> Iterator[ParquetFiles]:
    """The Parquet files of tables of done jobs, written by the service where they were not, some jobs at a time.

    Raises:
        Refused: a job is not done.
        NotFound: there is no such job or table.
    """
    for start in range(0, len(jobs), _JOBS_AT_ONCE):
        request = ParquetRequest(jobs=tuple(jobs[start : start + _JOBS_AT_ONCE]), tables=tuple(tables))
        yield connection.post("/v1/parquet", ParquetFiles, request, repeatable=True, read_seconds=WRITE_SECONDS)


def scan(connection: Connection, table: str, *, jobs: Named = (), sweep: Named = ()) -> "polars.LazyFrame":
    """A lazy frame over a table of done jobs; see `Client.scan`."""
    import polars

    _check_table(table)
    if not isinstance(connection.transport, HttpTransport):
        raise Unconfigured("scan reads over HTTP: it needs a client that was given the address of a service")
    sweeps = numbers(sweep)
    swept = varied(connection, sweeps, JobState.DONE)
    wanted = list(dict.fromkeys([*numbers(jobs), *swept]))
    if not wanted:
        raise Refused(
            f"no job of sweep {sweeps[0]} is done yet: `holonomy sweep watch {sweeps[0]}` shows its progress"
            if sweeps
            else f"name the jobs whose {table} are wanted: jobs=… or sweep=…"
        )
    addresses = [
        f"{connection.transport.url}/v1/parquet/job_id={file.job_id}/{table}.parquet?ticket={part.ticket}"
        for part in made(connection, wanted, [table])
        for file in part.files
    ]
    if not addresses:
        raise Refused(f"none of these jobs is of a kind that has the table {table}")
    frame = polars.scan_parquet(
        addresses, hive_partitioning=True, hive_schema={"job_id": polars.Int64}, glob=False
    ).select("job_id", polars.exclude("job_id"))
    if not sweeps:
        return frame
    names = [column.name for column in ARCHIVED[table].columns]
    known = varied_columns(swept, names)
    return frame.join(known.lazy(), on="job_id", how="left", maintain_order="left").select(*known.columns, *names)


def _check_table(name: str) -> None:
    if name not in ARCHIVED:
        raise Refused(f"there is no table {name!r}{did_you_mean(name, ARCHIVED)}; there are: {', '.join(ARCHIVED)}")
