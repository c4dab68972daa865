"""Generated files: written, and checked for drift."""

from pathlib import Path

import pytest

from schemas.generated import keep


def test_drift_is_told_by_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {tmp_path / "new" / "a.md": "α\n", tmp_path / "b.md": "b\n"}
    assert keep(files, "the models", "schemas.generate", check=True) == 1
    assert keep(files, "the models", "schemas.generate", check=False) == 0
    assert keep(files, "the models", "schemas.generate", check=True) == 0
    capsys.readouterr()
    (tmp_path / "b.md").write_text("other")
    assert keep(files, "the models", "schemas.generate", check=True) == 1
    assert capsys.readouterr().err == "b.md does not match the models: run `python -m schemas.generate`\n"
