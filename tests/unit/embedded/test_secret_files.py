import stat
from pathlib import Path

from service.embedded.secret_files import kept_secret, write_private


def test_files_are_private_and_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "secret")
    assert len(first) == 48
    assert kept_secret(tmp_path / "secret") == first
    assert kept_secret(tmp_path / "other") != first
