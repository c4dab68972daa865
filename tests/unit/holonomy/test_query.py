"""Queries through the client."""

import polars
import pytest

from holonomy import Client, Refused, RowsLeftOut, Unreachable
from tests.support.fake_service import Answer, World

SQL = "select x from generate_series(1, 5) x"


@pytest.fixture(autouse=True)
def _answers(world: World) -> None:
    world.answers[SQL] = polars.DataFrame({"x": [1, 2, 3, 4, 5]})


def test_rows_come_as_a_data_frame(client: Client, world: World) -> None:
    assert client.query(SQL, timeout=5, parameters={"a": "b"})["x"].to_list() == [1, 2, 3, 4, 5]
    assert world.queries == [{"sql": SQL, "limit": 100_000, "timeout_seconds": 5.0, "parameters": {"a": "b"}}]


@pytest.mark.parametrize("limit", [5, 6])
def test_a_limit_that_holds_all_says_nothing(client: Client, limit: int) -> None:
    assert client.query(SQL, limit=limit).height == 5


def test_rows_left_out_are_told_of(client: Client) -> None:
    with pytest.warns(RowsLeftOut, match="these are the first 4 rows of more: raise the limit to have them"):
        assert client.query(SQL, limit=4)["x"].to_list() == [1, 2, 3, 4]
    with pytest.warns(RowsLeftOut):
        assert [frame.height for frame in client.query_batches(SQL, limit=1)] == [1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"limit": 10**8}, "limit: expected less than or equal to 10000000"),
        ({"timeout": 601.0}, "timeout_seconds: expected less than or equal to 600"),
        ({"parameters": {"a b": 1}}, "parameters"),
    ],
)
def test_what_is_out_of_bounds_is_refused_before_it_is_sent(
    client: Client, world: World, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        client.query(SQL, **fields)
    assert world.queries == []


def test_what_the_service_says_is_passed_on(client: Client, world: World) -> None:
    world.failures = [Answer(422, 'query: line 1, column 1: syntax error at or near "selec"', "query_refused")]
    with pytest.raises(Refused, match=r'^query: line 1, column 1: syntax error at or near "selec"$'):
        client.query("selec 1")
    world.failures = [Answer(503, "this service takes no queries: set HOLONOMY_READER_DATABASE_URL", "unavailable")]
    with pytest.raises(Unreachable, match="this service takes no queries"):
        client.query(SQL)
