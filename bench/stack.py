"""`python -m bench.stack`: how fast the embedded stack starts and stops, its idle memory, and `import holonomy`."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Figure, run
from service.embedded import stack

_IMPORT = "import time; began = time.perf_counter(); import holonomy; print(time.perf_counter() - began)"
_SETTLED_SECONDS = 5.0


def measure(quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """A first start in an empty folder, then restarts of it, and fresh interpreters for the import."""
    folder = Path(tempfile.mkdtemp(prefix="holonomy-bench-", dir="/tmp"))
    restarts: list[float] = []
    stops: list[float] = []
    try:
        first = _timed_up(folder)
        time.sleep(_SETTLED_SECONDS)
        parts = {part.name: part.memory_bytes for part in stack.status(folder).processes}
        for _ in range(1 if quick else 5):
            began = time.perf_counter()
            stack.down(folder)
            stops.append(time.perf_counter() - began)
            restarts.append(_timed_up(folder))
    finally:
        stack.down(folder)
        shutil.rmtree(folder)
    memory = [Figure(f"idle memory of {name} (PSS)", size / 2**20, "MiB") for name, size in parts.items() if size]
    figures = [
        Figure("up, empty folder", first, "s", aim=10.0, lower_is_better=True),
        Figure("up, existing folder (median)", statistics.median(restarts), "s", aim=10.0, lower_is_better=True),
        Figure("down (median)", statistics.median(stops), "s"),
        Figure("idle memory of the stack (PSS)", sum(parts.values()) / 2**20, "MiB"),
        *memory,
        Figure(
            "import holonomy (median)", _import_seconds(3 if quick else 11), "s", target=0.5, lower_is_better=True
        ),
    ]
    load = os.getloadavg()[0]
    return figures, {"load_at_end": f"{load:.1f}"}


def _timed_up(folder: Path) -> float:
    began = time.perf_counter()
    stack.up(folder)
    return time.perf_counter() - began


def _import_seconds(times: int) -> float:
    runs = (
        subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True)
        for _ in range(times)
    )
    return statistics.median(float(done.stdout) for done in runs)


if __name__ == "__main__":
    sys.exit(run("stack", measure))
