"""What sweeps vary as columns, and their jobs page by page."""

import polars
import pytest

from holonomy import Client, Sweep, Training
from holonomy.connection import Connection
from holonomy.transport import HttpTransport
from holonomy.varied import varied, with_varied
from schemas.states import JobState
from tests.support.fake_service import TOKEN, FakeService, World


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([True, False], [True, False]),
        (["a", None], ["a", None]),
        ([1, 2.5], [1.0, 2.5]),
        ([[1, 2], [3]], ["[1, 2]", "[3]"]),
        (["relu", 3], ['"relu"', "3"]),
    ],
)
def test_varied_values_keep_their_type_where_they_have_one(values: list[object], column: list[object]) -> None:
    rows = polars.DataFrame({"job_id": [1, 2], "x": [0.0, 0.0]})
    assert with_varied(rows, {1: {"a": values[0]}, 2: {"a": values[1]}})["a"].to_list() == column


def test_a_path_that_a_column_is_called_by_is_told_apart() -> None:
    rows = polars.DataFrame({"job_id": [1, 1, 2, 3], "seed": [7, 8, 9, 9]})
    found = with_varied(rows, {1: {"seed": 5, "lr": 0.1}, 2: {"seed": 6, "lr": 1}, 3: {"lr": 0.3}})
    assert found.columns == ["job_id", "varied.seed", "lr", "seed"]
    assert found.rows() == [(1, 5, 0.1, 7), (1, 5, 0.1, 8), (2, 6, 1.0, 9), (3, None, 0.3, 9)]


def test_only_jobs_in_a_state_are_asked_for(client: Client, service: FakeService, world: World) -> None:
    client.submit(Sweep(base=Training(steps=5), axes={"optimizer.lr": [0.1, 0.2]}))
    world.move(2, JobState.DONE)
    connection = Connection(HttpTransport(service.url, TOKEN))
    assert varied(connection, [1]) == {1: {"optimizer.lr": 0.1}, 2: {"optimizer.lr": 0.2}}
    assert varied(connection, [1], JobState.DONE) == {2: {"optimizer.lr": 0.2}}
