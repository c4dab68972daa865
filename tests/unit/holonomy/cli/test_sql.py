"""`holonomy sql`: queries from the shell."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars
import pytest

from tests.support.fake_service import Answer, World

Command = Any
SQL = "select everything"


@pytest.fixture(autouse=True)
def _answers(world: World) -> None:
    world.answers[SQL] = polars.DataFrame(
        {
            "x": [1, 2],
            "y": [0.5, float("nan")],
            "at": [dt.datetime(2026, 1, 2, tzinfo=dt.UTC), None],
            "took": [dt.timedelta(seconds=2), None],
        }
    )
    world.answers["select many"] = polars.DataFrame({"x": list(range(200))})
    world.answers["select lists"] = polars.DataFrame({"l": [[1, 2]]})


def test_a_table_for_people(command: Command) -> None:
    done = command("sql", SQL)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "2 rows"
    assert "0.5" in done.stdout
    assert done.stderr == ""


def test_people_see_lists_on_one_line(command: Command) -> None:
    assert command("sql", "select lists").stdout.split() == ["1", "row", "l", "[1,", "2]"]


def test_people_see_the_first_fifty(command: Command) -> None:
    done = command("sql", "select many")
    assert done.stdout.splitlines()[0] == "50 rows"
    assert "these are the first 50 rows of more" in done.stderr
    assert "--limit shows more" in done.stderr
    assert command("sql", "select many", "--limit", 200).stderr == ""


def test_csv_and_json_for_programs(command: Command) -> None:
    lines = command("sql", SQL, "--csv").stdout.splitlines()
    assert lines[0] == "x,y,at,took"
    assert lines[1] == "1,0.5,2026-01-02T00:00:00.000000+0000,2.0"
    assert len(lines) == 3
    assert json.loads(command("sql", SQL, "--json").stdout) == [
        {"x": 1, "y": 0.5, "at": "2026-01-02T00:00:00+00:00", "took": 2.0},
        {"x": 2, "y": None, "at": None, "took": None},
    ]


def test_the_query_comes_from_a_file_or_standard_input(command: Command, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(SQL)
    assert command("sql", "-f", tmp_path / "q.sql").stdout.startswith("2 rows")
    assert command("sql", "-", stdin=SQL).stdout.startswith("2 rows")


def test_parameters_are_numbers_truth_values_or_text(command: Command, world: World) -> None:
    command(
        "sql", SQL, "--param", "a=3", "--param", "b=x=y", "--param", 'c="3"', "--param", "d=true", "--param", "e=[]"
    )
    assert world.queries[0]["parameters"] == {"a": 3, "b": "x=y", "c": "3", "d": True, "e": "[]"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give one query: as an argument, as - for standard input, or as --file FILE"),
        ((SQL, "-f", "q.sql"), "give one query"),
        (("-f", "missing.sql"), "cannot read missing.sql: No such file or directory\n"),
        ((SQL, "--param", "a"), "a parameter reads NAME=VALUE"),
        ((SQL, "--json", "--csv"), "give --json or --csv, not both"),
        ((SQL, "--timeout", 601), "timeout_seconds: expected less than or equal to 600"),
        (("select lists", "--csv"), "CSV has no lists: --json prints them, or cast l to text"),
    ],
)
def test_mistakes_are_one_line(command: Command, arguments: tuple[object, ...], said: str) -> None:
    done = command("sql", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_the_service_says_is_shown(command: Command, world: World) -> None:
    world.failures = [Answer(422, "query: it took longer than 30 s and was stopped", "query_too_long")]
    done = command("sql", SQL)
    assert (done.exit_code, done.stderr) == (2, "holonomy: query: it took longer than 30 s and was stopped\n")
