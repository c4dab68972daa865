import re

import pytest
from sqlalchemy.dialects.postgresql import psycopg2

from service.api import table_query
from service.api.problems import ProblemError
from service.db.results import results


def sql(columns: str | None = None, where: tuple[str, ...] = (), order_by: str | None = None) -> str:
    query = table_query.parse("pairs", columns, list(where), order_by, 5)
    text = str(query.statement(results["pairs"], 7).compile(dialect=psycopg2.dialect()))
    return re.sub(r"\s+", " ", text)


def test_names_and_conditions_become_bound_sql() -> None:
    assert sql("i,j", ("step:eq:100", "bracket_norm:ge:0.5"), "-bracket_norm") == (
        "SELECT pairs.i, pairs.j FROM pairs WHERE pairs.job_id = %(job_id_1)s AND pairs.step = %(step_1)s "
        "AND pairs.bracket_norm >= %(bracket_norm_1)s "
        "ORDER BY pairs.bracket_norm DESC, pairs.step, pairs.i, pairs.j LIMIT %(param_1)s"
    )


def test_short_names_are_answered_under_the_real_ones() -> None:
    assert sql("i,norm", ("rms:gt:1",), "-norm") == sql("i,bracket_norm", ("bracket_rms:gt:1",), "-bracket_norm")


def test_nulls_come_last_either_way() -> None:
    assert "ORDER BY pairs.gauss_newton_norm DESC NULLS LAST" in sql(order_by="-gauss_newton_norm")
    assert "ORDER BY pairs.gauss_newton_norm ASC NULLS LAST" in sql(order_by="gauss_newton_norm")


@pytest.mark.parametrize("operator", table_query.OPERATORS)
def test_every_operator_compares(operator: str) -> None:
    symbol = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}[operator]
    assert f"pairs.step {symbol} %(step_1)s" in sql(where=(f"step:{operator}:3",))


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        (("pears", None, [], None, None), "unknown table 'pears'.*did you mean 'pairs'"),
        (
            ("pairs", "i,bracket_nrm", [], None, None),
            "unknown column of pairs 'bracket_nrm'.*did you mean 'bracket_norm'",
        ),
        (("pairs", "i,i", [], None, None), "named once each"),
        (("pairs", "norm,bracket_norm", [], None, None), "named once each"),
        (("pairs", "", [], None, None), "unknown column of pairs ''"),
        (("pairs", None, ["step"], None, None), "column:operator:value"),
        (("pairs", None, ["step:like:1"], None, None), "unknown operator 'like'"),
        (("pairs", None, ["step:eq:1; drop table jobs"], None, None), "step holds whole numbers of 64 bits; came"),
        (("pairs", None, [f"step:eq:{2**63}"], None, None), "step holds whole numbers of 64 bits"),
        (("pairs", None, ["bracket_norm:gt:big"], None, None), "bracket_norm holds numbers; came 'big'"),
        (("pairs", None, ["object:eq:a\0b"], None, None), "text without NUL"),
        (("checkpoints", None, ["requested:eq:yes"], None, None), "requested holds true or false; came 'yes'"),
        (("pairs", None, [], "i desc", None), "unknown column of pairs 'i desc'"),
        (("pairs", None, [], "--i", None), "unknown column of pairs '-i'"),
    ],
)
def test_what_is_not_known_is_refused(
    arguments: tuple[str, str | None, list[str], str | None, int | None], detail: str
) -> None:
    with pytest.raises(ProblemError) as caught:
        table_query.parse(*arguments)
    assert caught.value.status_code == 422
    assert re.search(detail, caught.value.detail)


def test_a_value_may_hold_colons() -> None:
    query = table_query.parse("pairs", None, ["object:eq:tiles/1:2"], None, None)
    assert query.where[0].value == "tiles/1:2"
