"""Tables over several jobs."""

import polars
import pytest

from holonomy import Client, Diagnostic, Refused, Sweep, Training
from holonomy.across import TablesAcross
from schemas.results import RESULT_TABLES
from tests.support.fake_service import World


@pytest.fixture(autouse=True)
def _pairs(world: World) -> None:
    world.tables["across/pairs"] = polars.DataFrame(
        {"job_id": [1, 1, 2, 3], "step": [0, 9, 0, 0], "i": [1, 2, 3, 4], "bracket_norm": [0.5, 2.0, 1.0, 3.0]}
    )


def test_jobs_are_named_by_number_or_handle(client: Client, world: World) -> None:
    first, second = client.submit(Diagnostic()), client.submit(Diagnostic(blocks=2))
    rows = client.pairs(jobs=[first, second.id], step=0, columns="i,norm", order_by="-norm", limit=9)
    assert rows.rows() == [(2, 3, 1.0), (1, 1, 0.5)]
    assert client.table("pairs", jobs=first, columns="i").rows() == [(1, 1), (1, 2)]
    assert client.pairs(jobs=2)["i"].to_list() == [3]
    assert "GET /v1/tables/pairs?job=1&job=2&columns=i%2Cbracket_norm&where=step%3Aeq%3A0" in world.requests[2]


def test_what_a_sweep_varies_stands_behind_the_job(client: Client, world: World) -> None:
    swept = client.submit(Sweep(base=Training(steps=5), axes={"optimizer.lr": [0.1, 1, 0.3]}))
    rows = client.pairs(sweep=swept, columns="step,i")
    assert rows.columns == ["job_id", "optimizer.lr", "step", "i"]
    assert rows.rows() == [(1, 0.1, 0, 1), (1, 0.1, 9, 2), (2, 1.0, 0, 3), (3, 0.3, 0, 4)]


def test_mistakes_are_found_before_anything_is_sent(client: Client, world: World) -> None:
    with pytest.raises(Refused, match=r"name the jobs whose pairs are wanted: jobs=… or sweep=…"):
        client.pairs(step=1)
    with pytest.raises(Refused, match="table pairs has no column 'size'"):
        client.pairs(jobs=1, order_by="-size")
    with pytest.raises(Refused, match="there is no result table 'pears'"):
        client.table("pears", jobs=1)
    assert world.requests == []


def test_every_table_has_a_name_on_the_client() -> None:
    # `replica_statistics` of the client is over seeds.
    assert {name for name in RESULT_TABLES if name in vars(TablesAcross)} == set(RESULT_TABLES) - {
        "replica_statistics"
    }
