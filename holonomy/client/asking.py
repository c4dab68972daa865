"""What a client asks across jobs: SQL, tables of many jobs, statistics over seeds, and what changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from holonomy.across import Named, TablesAcross
from holonomy.client.finding import Finding
from holonomy.errors import Refused
from holonomy.query import query_batches, query_of
from holonomy.replicas import ReplicasJob
from schemas.query_bodies import ParameterValue

if TYPE_CHECKING:
    import polars

    from holonomy.compare.asked import AskedSide
    from holonomy.compare.comparison import Asked, Comparison


class Asking(Finding, TablesAcross):
    """Asks across jobs."""

    def query(
        self,
        sql: str,
        *,
        limit: int | None = None,
        timeout: float | None = None,
        parameters: Mapping[str, ParameterValue] | None = None,
    ) -> "polars.DataFrame":
        """Rows of a SELECT on the views of schema `results`, which the service runs as a role that may only read.

        Args:
            sql: One statement. Numbers of Postgres' type numeric come as float64, JSON as text.
            limit: At most so many rows; 100,000 by default, 10,000,000 at most.
            timeout: Longest it may take, in seconds; 30 by default, 600 at most.
            parameters: Values for names that stand in it as `:name`.

        Warns:
            RowsLeftOut: there were more rows than `limit`.

        Raises:
            Refused: it writes, takes too long, is no SQL, or names what is not there; the message says where.
        """
        import polars

        return polars.concat(self.query_batches(sql, limit=limit, timeout=timeout, parameters=parameters))

    def query_batches(
        self,
        sql: str,
        *,
        limit: int | None = None,
        timeout: float | None = None,
        parameters: Mapping[str, ParameterValue] | None = None,
    ) -> "Iterator[polars.DataFrame]":
        """The rows of `query` as they arrive, in data frames of about a megabyte, at least one."""
        return query_batches(self._connection, query_of(sql, limit, timeout, parameters))

    def replica_statistics(
        self, jobs: Sequence[ReplicasJob | int], metric: str = "distance", step: int | None = None
    ) -> "polars.DataFrame":
        """A metric of several replica jobs over their seeds, jobs that differ in anything else apart.

        Args:
            jobs: Finished replica jobs, or their numbers.
            metric: Column of `replica_metrics`, or `aligned_distance`.
            step: Only this look; all by default.

        Raises:
            NotFound: no such job.
            Refused: a job is of another kind or not done, seeds are equal, or there is no such metric.
        """
        from holonomy.seeds import over_seeds  # numpy costs a third of the import time

        return over_seeds([self._replicas(job) for job in jobs], metric, step)

    def compare(
        self,
        a: "AskedSide",
        b: "AskedSide",
        metric: "Asked | None" = None,
        threshold: float | str | None = None,
        confidence: float = 0.95,
    ) -> "Comparison":
        """What changed from one sweep to another, beyond the spread over seeds.

        Jobs are grouped by everything that a side varies but seeds; groups that both sides have are compared.

        Args:
            a: The earlier side: a sweep or its number, or a list of jobs or of their numbers.
            b: The later one.
            metric: One or several, such as `"median(pairs.defect)@300"`; by default the median defect and the RMS of
                brackets at every checkpoint, the mean end distance of replicas, the last test loss of training runs.
            threshold: Smaller relative changes do not count: 0.05 or `"5%"`.
            confidence: Probability that all intervals hold at once.

        Raises:
            NotFound: there is no such sweep or job.
            Refused: jobs that have not ended, fewer than two seeds in a group, nothing that both sides have, or a
                metric that there is not.
        """
        from holonomy.compare.asked import side_of  # numpy costs a third of the import time
        from holonomy.compare.comparison import compare

        first, second = side_of(self._connection, a), side_of(self._connection, b)
        return compare(first, second, metric, threshold, confidence)

    def scan(self, table: str, *, jobs: Named = (), sweep: Named = ()) -> "polars.LazyFrame":
        """A table of many done jobs as a lazy frame, of which only the columns and row groups that are used travel.

        polars itself reads the Parquet files over HTTP, in ranges through the service, because so the client needs no
        credentials of the object store; a ticket in the address, good for twelve hours, stands for the token.

        The service writes the files on first demand. Column `job_id` comes first; conditions on it leave out whole
        files. What sweeps vary comes as columns behind it, as in `table`; conditions on those leave out files as
        well. Jobs of a sweep that are not done are left out.

        Args:
            table: A result table, or `blocks` or `events` for how the jobs went.
            jobs: Done jobs, as numbers or handles.
            sweep: Sweeps, as numbers or handles.

        Raises:
            Refused: a job is not done, there is no such table, or none of the jobs has it.
            NotFound: there is no such job or sweep.
            Unconfigured: the client speaks to the service in another way than HTTP.
        """
        from holonomy.parquet import scan

        return scan(self._connection, table, jobs=jobs, sweep=sweep)

    def _replicas(self, job: ReplicasJob | int) -> ReplicasJob:
        found = self.job(job) if isinstance(job, int) else job
        if not isinstance(found, ReplicasJob):
            raise Refused(f"statistics over seeds are of replica jobs; job {found.id} is a {found.kind} job")
        return found
