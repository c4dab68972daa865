import re

import pytest

from service.api import table_query
from service.api.problems import ProblemError


def sql(columns: str | None = None, where: tuple[str, ...] = (), order_by: str | None = None) -> str:
    return table_query.parse("pairs", columns, list(where), order_by, 5).of_job(7)


def test_names_and_conditions_become_sql_with_literals() -> None:
    assert sql("i,j", ("step:eq:100", "bracket_norm:ge:0.5", "object:ne:it's"), "-bracket_norm") == (
        "select i, j from pairs where job_id = '7'::bigint and step = '100'::bigint "
        "and bracket_norm >= '0.5'::float8 and object <> E'it''s' "
        "order by bracket_norm desc, step, i, j limit 5"
    )


def test_across_jobs_each_is_looked_at_by_itself() -> None:
    query = table_query.parse("pairs", "i,j", [], "-norm", 5)
    assert query.across([3, 9]) == (
        "select job_id, i, j from unnest('{3,9}'::bigint[]) as asked (job_id) cross join lateral ("
        "select i, j, bracket_norm, step from pairs where job_id = asked.job_id "
        "order by bracket_norm desc, step, i, j limit 5) as found "
        "order by bracket_norm desc, job_id, step, i, j limit 5"
    )
    assert table_query.parse("pairs", None, [], None, None).across([3]).endswith("order by step, i, j) as found")


def test_nulls_come_last_either_way() -> None:
    assert "order by gauss_newton_norm desc nulls last" in sql(order_by="-gauss_newton_norm")
    assert "order by gauss_newton_norm nulls last" in sql(order_by="gauss_newton_norm")


@pytest.mark.parametrize("operator", table_query.OPERATORS)
def test_every_operator_compares(operator: table_query.Operator) -> None:
    symbol = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}[operator]
    assert f" and step {symbol} '3'::bigint " in sql(where=(f"step:{operator}:3",))


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
