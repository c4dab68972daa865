"""The table of a comparison."""

import json

import numpy as np
import pytest
from rich.console import Group

from holonomy import Client
from holonomy.compare import Comparison, compare, report
from holonomy.compare.report import comparison_json, comparison_report
from tests.support.fake_service import World
from tests.support.nights import named, night
from tests.support.rendered import rendered

CALM = [1.0, 1.1, 0.9]


@pytest.fixture
def found(client: Client, world: World) -> Comparison:
    first = {0.1: CALM, 0.2: CALM, 0.3: CALM, 0.4: [-1.0, 1.0, 0.0], 0.5: [0.5, 0.5, 0.5]}
    second = {0.1: CALM, 0.2: [9.0, 9.1, 8.9], 0.3: [1.0, None, None], 0.4: [-1.0, 1.0, 0.5], 0.5: [0.5, 0.5, 0.5]}
    a = named(client, "night 1", night(client, world, first))
    b = named(client, "night 2", night(client, world, second, first_seed=50))
    return compare(a, b, "defects.median")


def test_each_comparison_has_a_line(found: Comparison) -> None:
    text = rendered(Group(*comparison_report(found)))
    assert "A: night 1   B: night 2" in text
    lines = {
        lr: next(line for line in text.splitlines() if f"(lr = {lr}) " in line) for lr in (0.1, 0.2, 0.3, 0.4, 0.5)
    }
    assert lines[0.1].split()[-3:] == ["3", "no", "change"]
    assert lines[0.2].split()[-1] == "changed"
    assert lines[0.3].split()[-9:] == [*"——————", "3,", "1", "incomplete"]
    assert " +0.167 " in lines[0.4]
    assert " — " in lines[0.5]
    assert "All intervals hold at once with probability 95 %" in " ".join(text.split())
    assert text.rstrip().splitlines()[-1].endswith("no finite value in 0 of 3 against 2 of 3 jobs")


def test_of_many_comparisons_those_that_changed_come_first(
    found: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_ROWS", 2)
    text = rendered(Group(*comparison_report(found)))
    shown = [line.split()[-1] for line in text.splitlines() if line.startswith(" order dependence")]
    assert shown == ["changed", "incomplete"]
    assert "3 more comparisons are in the rows of `--json`" in text


def test_the_document_is_json_without_what_json_cannot_say(found: Comparison) -> None:
    document = json.loads(json.dumps(comparison_json(found), allow_nan=False))
    assert [row["verdict"] for row in document["rows"]] == [row.verdict for row in found.rows]
    assert document["rows"][4]["g"] is None
    assert np.isfinite(document["rows"][0]["noticed"])
