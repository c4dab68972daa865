"""The base install is the client alone: nothing heavy is needed, and importing it is quick."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fake_service import FakeService, World

ROOT = Path(__file__).parents[3]
HEAVY = (
    "torch",
    "ray",
    "sqlalchemy",
    "psycopg2",
    "boto3",
    "fastapi",
    "alembic",
    "pyarrow",
    "sklearn",
    "scipy",
    "psutil",
    "PIL",
    "tokenizers",
)

BLOCK = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("HOLONOMY_")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**known, **environment}, capture_output=True, text=True
    )


def test_import_and_submit_work_without_the_heavy_packages(service: FakeService, world: World) -> None:
    code = BLOCK + "from holonomy import Client, Diagnostic; print(Client().submit(Diagnostic(blocks=3)).id)"
    done = run(code, HOLONOMY_URL=service.url, HOLONOMY_TOKEN=os.environ["HOLONOMY_TOKEN"])
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert world.jobs[1].kind == "diagnostic"


def test_the_command_works_without_the_heavy_packages() -> None:
    code = BLOCK + "sys.argv = ['holonomy', 'schema', 'brackets']; from holonomy.cli import main; main()"
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert '"Pairwise Lie brackets' in done.stdout


def test_without_an_address_the_missing_extra_is_named() -> None:
    done = run(BLOCK + "sys.argv = ['holonomy', 'jobs']; from holonomy.cli import main; main()")
    assert done.returncode == 2
    assert "install `holonomy[embedded]`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", [*HEAVY, "polars", "httpx2"])
def test_import_leaves_it_out(module: str, imported: frozenset[str]) -> None:
    assert module not in imported


@pytest.fixture(scope="module")
def imported() -> frozenset[str]:
    done = run("import sys, holonomy; print(*sys.modules)")
    return frozenset(done.stdout.split())


def test_import_is_quick_beside_what_it_cannot_do_without() -> None:
    """In processor time and against its own dependencies, not against a clock: machines differ, and are busy."""
    timed = "import time, {}; print(time.process_time())"
    ours = min(float(run(timed.format("holonomy")).stdout) for _ in range(3))
    theirs = min(float(run(timed.format("pydantic, numpy, importlib.metadata")).stdout) for _ in range(3))
    assert ours < 5 * theirs
