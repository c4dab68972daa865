"""Literals are read back by Postgres as what was written."""

import math
from contextlib import closing

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.db.literals import literal

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@pytest.fixture(scope="module", params=["on", "off"])
def read(postgres_server, request):
    """What Postgres makes of an expression, with either way of reading backslashes."""
    with closing(psycopg2.connect(postgres_server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"set standard_conforming_strings = {request.param}")

        def read(expression):
            cursor.execute("select " + expression.replace("%", "%%"), ())
            return cursor.fetchone()[0]

        yield read


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), TEXT))
def test_what_was_written_is_read(read, value):
    assert read(literal(value)) == value


def test_nan_is_a_number(read):
    assert math.isnan(read(literal(math.nan)))


@pytest.mark.parametrize(("value", "said"), [(2**63, "whole numbers of 64 bits"), ("a\0b", "without NUL")])
def test_what_postgres_cannot_hold_is_refused(value, said):
    with pytest.raises(ValueError, match=said):
        literal(value)
