"""The command line: `python -m bench.results [--quick] [--json] [--save]`."""

import os
import sys

from sqlalchemy import text

from bench.embedded import service, state_folder
from bench.report import Figure, run
from bench.results import asking, exporting, loading, submitting
from bench.results.databases import store

ROWS, JOBS, OBJECTS, SWEEPS = 10_000_000, 10, 8, 5
QUICK_ROWS, QUICK_JOBS, QUICK_OBJECTS, QUICK_SWEEPS = 500_000, 2, 2, 1


def measure(quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """All figures; `quick` has a twentieth of the rows, fewer objects and one sweep."""
    rows, jobs, objects, sweeps = (
        (QUICK_ROWS, QUICK_JOBS, QUICK_OBJECTS, QUICK_SWEEPS) if quick else (ROWS, JOBS, OBJECTS, SWEEPS)
    )
    with store() as database:
        figures = loading.rates(database, rows, jobs)
        figures += asking.times(database, jobs)
        with database.engine.connect() as connection:
            version = str(connection.execute(text("show server_version")).scalar_one())
    with state_folder() as folder, service(folder, slots=1) as stack:
        figures += exporting.times(stack, folder, rows // 10, objects)
        figures += submitting.times(stack, sweeps)
    return figures, {"postgres": version, "load_at_end": f"{os.getloadavg()[0]:.1f}"}


if __name__ == "__main__":
    sys.exit(run("results", measure))
