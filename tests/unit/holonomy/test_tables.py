"""Questions to result tables, and rows that come back."""

import polars
import pytest

from holonomy import Client, Diagnostic, Refused, ServiceFault
from holonomy.tables import read_arrow, table_query
from tests.support.fake_service import World


def test_a_question_becomes_a_query() -> None:
    query = table_query(
        "pairs",
        columns=("i", "j"),
        where=["step >= 100", "object == 'tiles/x'"],
        order_by="-bracket_norm, i",
        limit=3,
    )
    assert query == (
        ("columns", "i,j"),
        ("where", "step:ge:100"),
        ("where", "object:eq:tiles/x"),
        ("order_by", "-bracket_norm,i"),
        ("limit", "3"),
    )


def test_short_names_are_asked_for_under_the_real_ones() -> None:
    query = table_query("pairs", columns="i,norm", where="rms > 1", order_by="-norm")
    assert query == (("columns", "i,bracket_norm"), ("where", "bracket_rms:gt:1"), ("order_by", "-bracket_norm"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "pears"}, "there is no result table 'pears'; did you mean 'pairs'\\?; there are: checkpoints, "),
        ({"columns": ["size"]}, "table pairs has no column 'size'.*; it has: step, i, j"),
        ({"columns": "i, bracket_nrm"}, "no column 'bracket_nrm'; did you mean 'bracket_norm'"),
        ({"where": "size > 1"}, "table pairs has no column 'size'"),
        ({"where": "step"}, "a condition reads COLUMN OPERATOR VALUE .* came 'step'"),
        ({"order_by": "-size"}, "table pairs has no column 'size'"),
        ({"limit": 0}, "limit is a number of rows, at least 1; came 0"),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(Refused, match=message):
        table_query(**{"name": "pairs", **arguments})


def test_rows_arrive_filtered_and_ordered(client: Client, world: World) -> None:
    world.tables["pairs"] = polars.DataFrame({"step": [0, 0, 9], "i": [1, 2, 3], "bracket_norm": [0.5, 2.0, 1.0]})
    job = client.submit(Diagnostic())
    rows = job.table("pairs", columns=("i", "bracket_norm"), where="step == 0", order_by="-bracket_norm")
    assert rows.rows() == [(2, 2.0), (1, 0.5)]


def test_rows_that_are_none_are_said_to_be_so() -> None:
    with pytest.raises(ServiceFault, match="the rows of table pairs did not arrive as an Arrow stream"):
        read_arrow(b"<html>", "pairs")
