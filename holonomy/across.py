"""Result tables over several jobs, with what was varied between the jobs of a sweep."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol

from holonomy.arrow_stream import ARROW, frames
from holonomy.connection import Connected
from holonomy.errors import Refused
from holonomy.tables import conditions, table_query
from holonomy.varied import varied, with_varied

if TYPE_CHECKING:
    import polars

P = ParamSpec("P")

_READ_SECONDS = 300.0


class Numbered(Protocol):
    """A handle of a job or of a sweep."""

    @property
    def id(self) -> int:
        """Its number."""


Named = int | Numbered | Iterable[int | Numbered]
"""Jobs or sweeps, as numbers or handles, one or several."""


class _Of(Generic[P]):
    """A table by the name of the attribute: `client.pairs(…)` is `client.table("pairs", …)`."""

    def __init__(self, table: "Callable[Concatenate[Any, str, P], polars.DataFrame]") -> None:
        self._table = table
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, holder: "TablesAcross", owner: type | None = None) -> "Callable[P, polars.DataFrame]":
        return partial(self._table, holder, self._name)


class TablesAcross(Connected):
    """Result tables over several jobs.

    Example:
        >>> client.pairs(sweep=3, step=100, order_by="-norm", limit=100)
    """

    def table(
        self,
        name: str,
        *,
        jobs: Named = (),
        sweep: Named = (),
        step: int | None = None,
        columns: str | Sequence[str] | None = None,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """Rows of the jobs named and of the jobs of the sweeps named.

        Args:
            name: Name of the table, one of `schemas.results.RESULT_TABLES`.
            jobs: Jobs, as numbers or handles.
            sweep: Sweeps, as numbers or handles. What they vary comes as columns behind `job_id`, named by its path.
            step: Only this step.
            columns: Columns wanted; all by default.
            where: Conditions that all hold, such as `"bracket_norm > 0.5"`.
            order_by: Columns to order by, `-` for descending; by default the rows come job by job.
            limit: At most so many rows, of all jobs together.

        Raises:
            NotFound: no such job or sweep.
            Refused: no jobs are named, or there is no such table or column.
        """
        import polars

        job_ids, sweep_ids = numbers(jobs), numbers(sweep)
        if not job_ids and not sweep_ids:
            raise Refused(f"name the jobs whose {name} are wanted: jobs=… or sweep=…")
        asked = table_query(name, columns=columns, where=conditions(where, step=step), order_by=order_by, limit=limit)
        named = (*(("job", str(number)) for number in job_ids), *(("sweep", str(number)) for number in sweep_ids))
        with self._connection.stream(
            f"/v1/tables/{name}", query=(*named, *asked), accept=ARROW, read_seconds=_READ_SECONDS
        ) as reply:
            rows = polars.concat(frames(reply.chunks(), f"the rows of table {name}"))
        return with_varied(rows, varied(self._connection, sweep_ids)) if sweep_ids else rows

    checkpoints = _Of(table)
    training_steps = _Of(table)
    pairs = _Of(table)
    tensors = _Of(table)
    fits = _Of(table)
    defects = _Of(table)
    verifications = _Of(table)
    perturbations = _Of(table)
    projections = _Of(table)
    minibatches = _Of(table)
    reorderings = _Of(table)
    order_accuracy = _Of(table)
    outputs = _Of(table)
    replicas = _Of(table)
    replica_metrics = _Of(table)
    replica_tensors = _Of(table)
    replica_layers = _Of(table)
    replica_baseline = _Of(table)
    replica_alignments = _Of(table)
    replica_barriers = _Of(table)
    replica_growth = _Of(table)
    replica_exponents = _Of(table)
    replica_correlations = _Of(table)
    replica_stability = _Of(table)


def numbers(named: Named) -> tuple[int, ...]:
    """Numbers of jobs or sweeps."""
    if isinstance(named, int):
        return (named,)
    if isinstance(named, Iterable):
        return tuple(number for one in named for number in numbers(one))
    return (named.id,)
