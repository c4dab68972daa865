"""Packages of the same names must not stand in for ours."""

import subprocess
import sys
from pathlib import Path

import pytest

import holonomy
from holonomy.shadow import refuse_shadows

HOME = Path(holonomy.__file__).parent


def test_ours_are_ours() -> None:
    refuse_shadows(HOME)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ImportError, match="expected the package 'no_such_package'"):
        refuse_shadows(HOME, ["no_such_package"])


def test_a_foreign_package_is_named() -> None:
    with pytest.raises(ImportError, match=r"another package named 'json' hides Holonomy's: expected .*, came .*json"):
        refuse_shadows(HOME, ["json"])


@pytest.mark.parametrize("kind", ["package", "module"])
def test_an_impostor_stops_the_import_with_one_line(tmp_path: Path, kind: str) -> None:
    if kind == "package":
        (tmp_path / "workers").mkdir()
        (tmp_path / "workers" / "__init__.py").write_text("raise SystemExit('the impostor was imported')")
    else:
        (tmp_path / "workers.py").write_text("raise SystemExit('the impostor was imported')")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(HOME.parent)!r}]; import holonomy"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "another package named 'workers' hides Holonomy's" in done.stderr.splitlines()[-1]
