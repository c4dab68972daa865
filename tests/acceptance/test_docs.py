"""The documentation does what it says: every `sh` and `python` block of these pages runs, in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    "quickstart.md",
    "how-to/query-results.md",
    "how-to/export-and-import.md",
    "how-to/import-a-dataset.md",
    "how-to/find-outputs-that-swaps-move.md",
    "how-to/measure-how-runs-drift-apart.md",
    "how-to/keep-storage-small.md",
    "how-to/compare-nightly-sweeps.md",
]
FENCE = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    return FENCE.findall((ROOT / "docs" / page).read_text())


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(
    page: str, stack_environment: dict[str, str], mnist_folder: Path, fresh_home: Path, tmp_path: Path
) -> None:
    environment = {
        **stack_environment,
        "MNIST": str(mnist_folder),
        "FACES": str(tmp_path / "faces"),
        "SWAPS": str(tmp_path / "swaps"),
        "EXPORT": str(tmp_path / "export"),
        "ELSEWHERE": str(fresh_home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    found = blocks(page)
    assert found, f"{page} has no runnable block"
    python = ""
    for language, text in found:
        if language == "python":
            python += text
            command = [sys.executable, "-c", python]
        else:
            command = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, f"{page}: {text}\n{done.stdout}\n{done.stderr}"
