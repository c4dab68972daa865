"""`holonomy demo` on a machine where nothing runs."""

import subprocess
import sys
from pathlib import Path

from service.embedded import stack


def demo(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holonomy", "demo", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done


def test_the_demo_reports_and_leaves_nothing_running(fresh_environment: dict[str, str], fresh_home: Path) -> None:
    first = demo(fresh_environment)
    for part in ("Largest and smallest brackets", "scatter", "Most moved outputs", "select i, j"):
        assert part in first.stdout
    assert not stack.status(fresh_home).alive
    again = demo(fresh_environment, "--keep")
    assert "has computed this before" in again.stderr
    assert again.stdout.split("Stored as")[0] == first.stdout.split("Stored as")[0]
    assert stack.status(fresh_home).ready
