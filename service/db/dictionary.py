"""Writes the data dictionary from the comments in a database.

    python -m service.db.dictionary [--check] [URL]

writes `docs/reference/database.md`, or says with `--check` whether that has drifted. The database is the one at URL,
at this version's schema, or else a new one in a Postgres of its own, which is gone afterwards.
"""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from schemas import markdown, units
from schemas.bracket_results import BRACKET_TABLES
from schemas.generated import keep
from schemas.replica_results import REPLICA_TABLES
from schemas.results import RESULT_TABLES
from schemas.training_results import TRAINING_TABLES
from service.db.engine import connect
from service.db.migrate import current, head, upgrade
from service.db.views import Undescribed, View, ViewColumn, read_views
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "database.md"
GROUPS: Mapping[str, Sequence[str]] = {
    "Training runs": [table.name for table in TRAINING_TABLES],
    "Brackets": [table.name for table in BRACKET_TABLES],
    "Replicas": [table.name for table in REPLICA_TABLES],
}
FIRST_GROUP = "Jobs, sweeps and schedules"

_HEAD = """\
# The results database

Made from the comments in the database by `python -m service.db.dictionary`. Schema `results` holds one view per kind
of result. They are what to query: the tables behind them change between versions, the views stay.
`\\d+ results.pairs` in psql shows the same words. How to ask: [query results](../how-to/query-results.md).

| for | views |
| --- | --- |
| runs | [runs](#runs), [checkpoints](#checkpoints), [training_steps](#training_steps) |
| pairs | [pairs](#pairs), [perturbations](#perturbations), [projections](#projections), [minibatches](#minibatches) |
| tensor statistics | [tensors](#tensors), [fits](#fits) |
| outputs moved | [outputs](#outputs) |
| orders of examples | [reorderings](#reorderings), [order_accuracy](#order_accuracy) |
| replicas | [replicas](#replicas-1), [replica_baseline](#replica_baseline) |
| metrics over steps | [replica_metrics](#replica_metrics), [replica_statistics](#replica_statistics) over replicas |
| layer metrics | [replica_layers](#replica_layers), per tensor [replica_tensors](#replica_tensors) |
| sweeps | [sweeps](#sweeps), [sweep_jobs](#sweep_jobs), [sweep_fields](#sweep_fields) with typed values |
| schedules' history | [schedules](#schedules), [schedule_history](#schedule_history) |
| provenance | [provenance](#provenance) per job, [blocks](#blocks) per block, [job_parents](#job_parents) |

The views of training runs, brackets and replicas are also an endpoint `/v1/jobs/{id}/tables/{table}`,
`holonomy results JOB --table TABLE`, and `job.table(name)` in Python; there the job is given, and `job_id` is left
out. `job_id` and the key columns together name a row.

Brackets are [v_x, v_y] = H_y g_x − H_x g_y with v = −∇L, without any power of the learning rate. They are
antisymmetric, so that tables of their norms or RMS are symmetric. N examples, K outputs, T test examples, P
parameters. For each block, `results.blocks.data` says what its numbers are: field, loss, power of the learning rate,
BatchNorm mode, element type."""

_UNITS = """\
## Units

A unit is a product of powers of symbols, or a word. `1 or θ` is one of the two, `by target` is what the row's
`target` makes it: the meaning tells when. With lr in θ²·loss⁻¹, lr² times a bracket (loss²·θ⁻³) is a move in θ, and
lr² times a logit perturbation (logit·loss²·θ⁻⁴) a number of logits."""


def page(views: Mapping[str, View]) -> str:
    """The data dictionary."""
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {FIRST_GROUP: [name for name in views if name not in grouped], **GROUPS}
    symbols = [(f"`{symbol}`", meaning) for symbol, meaning in {**units.SYMBOLS, **units.WORDS}.items()]
    parts = [_HEAD, _UNITS, markdown.table(("unit", "of"), symbols)]
    for title, names in groups.items():
        parts.append(f"## {title}")
        for name in names:
            parts.extend(_section(views[name]))
    return "\n\n".join(parts) + "\n"


def _section(view: View) -> Iterator[str]:
    yield f"### {view.name}"
    yield view.meaning
    described = RESULT_TABLES.get(view.name)
    if described is not None and described.aliases:
        short = ", ".join(f"`{alias}` for `{name}`" for alias, name in described.aliases.items())
        yield f"Short names, in Python, on the command line and in the API: {short}."
    rows = [(f"`{column.name}`", _type(view, column), column.comment.unit, _words(column)) for column in view.columns]
    yield markdown.table(("column", "type", "unit", "meaning"), rows)


def _type(view: View, column: ViewColumn) -> str:
    described = RESULT_TABLES.get(view.name)
    known = None if described is None else described.column(column.name)
    if known is None:
        return column.type
    return column.type + (", key" if known.key else "") + (", may be null" if known.nullable else "")


def _words(column: ViewColumn) -> str:
    return column.comment.meaning + (f" Sign: {column.comment.sign}." if column.comment.sign else "")


@contextmanager
def _throwaway() -> Iterator[str]:
    """The address of an empty database."""
    with tempfile.TemporaryDirectory(prefix="holonomy-dictionary-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # so that Postgres's own account can pass, where it may not run as this one
        server = Postgres(
            folder / "postgres", free_port(), secrets.token_hex(8), scope=name, log=folder / "postgres.log"
        )
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def _page_of(url: str) -> str:
    engine = connect(url, application="holonomy dictionary", pool_size=1)
    try:
        with engine.connect() as connection:
            revision = current(connection)
            if revision != head():
                raise Undescribed(f"expected a database at revision {head()}, came one at {revision}: upgrade it")
            return page(read_views(connection))
    finally:
        engine.dispose()


def main(arguments: list[str]) -> int:
    """Write the page, or check it: 1 and one line when it differs, or when something is not described."""
    parser = argparse.ArgumentParser(prog="python -m service.db.dictionary", description="The data dictionary.")
    parser.add_argument("--check", action="store_true", help="only say whether the page has drifted")
    parser.add_argument("url", nargs="?", help="a database at this version's schema; by default a new one")
    asked = parser.parse_args(arguments)
    try:
        if asked.url is not None:
            written = _page_of(asked.url)
        else:
            with _throwaway() as url:
                upgrade(url)
                written = _page_of(url)
    except Undescribed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return keep({PAGE: written}, "the database", "service.db.dictionary", check=asked.check)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
