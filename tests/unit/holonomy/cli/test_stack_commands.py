"""Commands of the embedded stack where none runs; what they do with one is in the acceptance tests."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_service import FakeService
from tests.unit.holonomy.test_base_install import BLOCK

Command = Any


@pytest.fixture(autouse=True)
def _no_stack(service: FakeService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("URL", "TOKEN", "DATABASE_URL", "READER_DATABASE_URL", "S3_BUCKET", "RAY_ADDRESS"):
        monkeypatch.delenv(f"HOLONOMY_{name}", raising=False)
    monkeypatch.setenv("HOLONOMY_HOME", str(tmp_path / "home"))


def test_status_without_a_stack_says_how_to_start_one(command: Command, tmp_path: Path) -> None:
    done = command("status")
    assert done.exit_code == 3
    assert done.stdout == f"nothing runs in {tmp_path / 'home'}: `holonomy up` starts it\n"
    assert json.loads(command("status", "--json").stdout)["ready"] is False


def test_down_without_a_stack_is_done(command: Command, tmp_path: Path) -> None:
    done = command("down")
    assert (done.exit_code, done.stdout) == (0, f"nothing runs in {tmp_path / 'home'}\n")


def test_upgrade_without_a_database_says_what_to_set(command: Command) -> None:
    done = command("db", "upgrade")
    assert done.exit_code == 2
    assert "set HOLONOMY_DATABASE_URL" in done.stderr


def test_upgrade_of_a_database_that_does_not_answer_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLONOMY_DATABASE_URL", "postgresql://u:hidden@127.0.0.1:1/x")
    done = command("db", "upgrade")
    assert done.exit_code == 3
    assert done.stderr.startswith("holonomy: 127.0.0.1:1/x: ")
    assert "hidden" not in done.stderr


def test_doctor_lists_what_has_to_be_mended(command: Command) -> None:
    done = command("doctor")
    assert done.exit_code == 1
    for name in ("configuration", "database", "bucket", "ray"):
        assert f"failed  {name}: " in done.stdout
    assert "→ holonomy up" in done.stdout
    findings = {finding["name"]: finding["state"] for finding in json.loads(command("doctor", "--json").stdout)}
    assert findings["packages"] == findings["libraries"] == "ok"


def test_status_of_a_named_service(command: Command, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLONOMY_URL", service.url)
    monkeypatch.setenv("HOLONOMY_TOKEN", "wrong")
    done = command("status")
    assert done.exit_code == 3
    assert "holonomy: " in done.stderr


@pytest.mark.parametrize("arguments", [["up"], ["down"], ["status"], ["doctor"], ["db", "upgrade"]])
def test_without_the_extra_one_line_says_what_to_install(arguments: list[str]) -> None:
    code = f"{BLOCK}\nsys.argv = ['holonomy', *{arguments!r}]\nfrom holonomy.cli import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("holonomy: this needs more than the client: pip install 'holonomy[embedded]'")
    assert done.stderr.count("\n") == 1


def test_a_token_of_an_unknown_scope_is_refused_before_the_database_is_asked(command: Command) -> None:
    done = command("db", "token", "ada", "--scope", "root")
    assert done.exit_code == 2
    assert "'read', 'submit' or 'admin'" in done.stderr


def test_only_credentials_that_cannot_write_are_handed_out(command: Command) -> None:
    done = command("db", "credentials")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "only credentials that cannot write are handed out: add --read-only" in done.stderr


def test_credentials_of_the_environment_are_printed_whole(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://lab_query:s%2Fecret@db.lab/lab"
    monkeypatch.setenv("HOLONOMY_READER_DATABASE_URL", url)
    done = command("db", "credentials", "--read-only")
    assert done.stdout == f"{url}\n"
    assert f"psql '{url}'" in done.stderr
    assert json.loads(command("db", "credentials", "--read-only", "--json").stdout) == {
        "url": url,
        "host": "db.lab",
        "port": 5432,
        "database": "lab",
        "user": "lab_query",
        "password": "s/ecret",
        "schema": "results",
    }


def test_credentials_without_a_database_say_what_to_set(command: Command) -> None:
    done = command("db", "credentials", "--read-only")
    assert done.exit_code == 2
    assert "set HOLONOMY_DATABASE_URL, or start the embedded one" in done.stderr
