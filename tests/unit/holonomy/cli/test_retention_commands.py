"""What `holonomy gc` and `holonomy fsck` refuse, and what they print; what they do is in the acceptance tests."""

from typing import Any

import pytest

from holonomy.cli import retention
from schemas.retention import Checked, Collected, Fault, Finding, Mended, Share

Command = Any


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in ("DATABASE_URL", "S3_BUCKET"):
        monkeypatch.delenv(f"HOLONOMY_{name}", raising=False)
    monkeypatch.setenv("HOLONOMY_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", ["gc", "fsck"])
def test_without_a_stack_it_says_what_to_set(command: Command, name: str) -> None:
    done = command(name)
    assert done.exit_code == 2
    assert "set HOLONOMY_DATABASE_URL and HOLONOMY_S3_BUCKET, or start the embedded with `holonomy up`" in done.stderr


def test_half_a_configuration_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLONOMY_S3_BUCKET", "bucket")
    done = command("gc")
    assert done.exit_code == 2
    assert "expected a database in HOLONOMY_DATABASE_URL" in done.stderr
    monkeypatch.delenv("HOLONOMY_S3_BUCKET")
    monkeypatch.setenv("HOLONOMY_DATABASE_URL", "postgresql://u@127.0.0.1:1/x")
    assert "name of a bucket in HOLONOMY_S3_BUCKET" in command("gc").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("gc", "--arrays-older-than", "soon"),
        ("gc", "--tables-older-than", "1w"),
        ("fsck", "--orphans-older-than", "x"),
    ],
)
def test_an_age_that_is_none_is_one_line(command: Command, arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.exit_code == 2
    assert "expected a length of time such as 30s, 90m, 1h30m or 2d" in done.stderr


def test_shares_are_shown_with_their_reasons(capsys) -> None:
    share = Share(reason="arrays older than 30d", jobs=2, objects=1_234, size_bytes=5_000_000)
    retention.show_collected(Collected(dry_run=True, shares=(share,)))
    out = capsys.readouterr()
    assert ["1,234", "5,000,000", "2", "arrays", "older", "than", "30d"] in [
        line.split() for line in out.out.splitlines()
    ]
    assert "nothing was changed" in out.err


def test_what_a_check_found_is_shown_with_what_to_do(capsys) -> None:
    finding = Finding(
        fault=Fault.ROWS, key="pairs", owner="rows", job_id=3, name="pairs", detail="two too few", advice="do this"
    )
    checked = Checked(objects=5, size_bytes=1_000, deep=True, counts={Fault.ROWS: 1}, examples=(finding,))
    retention.show_checked(checked)
    out = capsys.readouterr().out.splitlines()
    assert out == ["read 5 objects, 1,000 bytes", "rows: 1", "  job 3, pairs: two too few (pairs)", "    → do this"]


def test_what_was_mended_is_shown(capsys) -> None:
    mended = Mended(jobs=(3, 4), blocks=2, same=1, other=1, tables=1, left=("that",))
    retention.show_checked(
        Checked(objects=5, size_bytes=1, deep=False, counts={Fault.MISSING: 2}, examples=(), mended=mended)
    )
    assert capsys.readouterr().out.splitlines()[1:] == [
        "missing: 2",
        "2 blocks of jobs 3, 4 ran again",
        "objects with the same bytes as before: 1; with other bytes: 1",
        "Parquet copies dropped, to be written on demand: 1",
        "not mended: that",
    ]
