"""Statements made ready: comments, parameters, and where an error points to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.db.literals import literal
from service.db.statement import ready
from service.errors import Refused


@pytest.mark.parametrize(
    ("source", "sql"),
    [
        ("select 1;", "select 1"),
        ("select 1 ; -- that is all", "select 1"),
        ("/* one */ select '--', \"/*\", $$:a$$, $t$ -- $t$ -- two\n, 2", None),
        ("select a[1:n], x::text, ':a' from t", "select a[1:n], x::text, ':a' from t"),
        ("select E'it\\'s -- :a', 'it''s :a'", "select E'it\\'s -- :a', 'it''s :a'"),
    ],
)
def test_comments_and_the_last_semicolon_go_and_strings_stay(source, sql):
    found = ready(source).sql
    if sql is None:
        assert found.split() == ["select", "'--',", '"/*",', "$$:a$$,", "$t$", "--", "$t$", ",", "2"]
    else:
        assert found == sql


def test_comments_within_comments_go_with_them():
    found = ready("select /* a /* :b\n */ ' */ 1 as x /**/", {})
    assert found.sql.split() == ["select", "1", "as", "x"]
    assert found.line_and_column(found.sql.index("1") + 1) == (2, 10)


def test_parameters_are_written_in_where_they_are_names():
    found = ready(
        "select :step, ':step', x::text, \"a:step\", $$ :step $$, :step_2 /* :step */ -- :step",
        {"step": 3, "step_2": "it's"},
    )
    assert found.sql == ("select '3'::bigint, ':step', x::text, \"a:step\", $$ :step $$, E'it''s'")


@pytest.mark.parametrize(
    ("source", "parameters", "said"),
    [
        (" -- nothing\n;", {}, "the query is empty"),
        ("select 1\n/* a /* b */", {}, r"the comment that begins in line 2 has no end: expected \*/"),
        ("select :step", {"stepp": 1}, "the query names :step, which has no value; did you mean 'stepp'"),
        ("select :step", {"step": 1, "other": 2}, "the query does not name the parameter :other"),
        ("select :step", {"step": 2**63}, "parameter :step: expected whole numbers of 64 bits"),
        ("select :t", {"t": "\0"}, "parameter :t: expected text without NUL"),
    ],
)
def test_what_does_not_fit_is_refused(source, parameters, said):
    with pytest.raises(Refused, match=said):
        ready(source, parameters)


@given(
    before=st.text("ab:'\n", max_size=5).filter(lambda text: "'" not in text and ":" not in text),
    value=st.one_of(st.integers(-(2**63), 2**63 - 1), st.text("'\\\nx", max_size=8)),
    after=st.text("cd \n", max_size=5),
)
def test_every_place_leads_back_to_where_it_was_written(before, value, after):
    source = f"{before} :name {after}!"
    found = ready(source, {"name": value})

    def place(offset):
        return source[:offset].count("\n") + 1, offset - source[:offset].rfind("\n")

    assert found.line_and_column(len(found.sql)) == place(len(source) - 1)
    start = len(before) + 1
    assert found.line_and_column(start + 1) == place(start)
    assert found.line_and_column(start + len(literal(value))) == place(start)
