"""Tables across jobs of a real service, whose numbers are known."""

import io
from typing import Any

import httpx2
import pyarrow as pa
import pytest
from sqlalchemy import text

from holonomy import Client
from holonomy.transport import HttpTransport

EXAMPLES = [[2, 3, 5], [2, 3, 7], [3, 5, 7]]


def spec(examples: list[int]) -> dict[str, Any]:
    training = {"kind": "training", "steps": 20, "checkpoints": [0, 10]}
    return {"kind": "brackets", "training": training, "steps": [0, 10], "examples": examples}


@pytest.fixture(scope="module")
def jobs(api, worker) -> list[int]:
    with api.client("submit") as client:
        found = [client.post("/v1/jobs", json={"spec": spec(one)}).json()["job"]["id"] for one in EXAMPLES]
    for job in found:
        worker.run(job)
    return found


@pytest.fixture(scope="module")
def sweep(api, jobs) -> int:
    """A sweep of the first two jobs, which varies their examples."""
    body = {"sweep": {"kind": "sweep", "base": spec(EXAMPLES[0]), "axes": {"examples": EXAMPLES[:2]}}}
    with api.client("submit") as client:
        answer = client.post("/v1/sweeps", json=body)
        assert answer.status_code == 201, answer.text
        number = int(answer.json()["sweep"]["id"])
    with api.backend.engine.connect() as connection:
        members = connection.execute(text("select job_id from sweep_jobs where sweep_id = :id"), {"id": number})
        assert sorted(members.scalars()) == jobs[:2]
    return number


def arrow(answer: httpx2.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()


def rows(answer: httpx2.Response) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in arrow(answer).to_pylist()]


def test_rows_come_job_by_job_in_key_order(client, jobs) -> None:
    found = arrow(client.get("/v1/tables/pairs", params={"job": [jobs[2], jobs[0]]}))
    assert found.column_names[:4] == ["job_id", "step", "i", "j"]
    keys = list(zip(*(found[name].to_pylist() for name in ("job_id", "step", "i", "j")), strict=True))
    assert keys == sorted(keys)
    assert {key[0] for key in keys} == {jobs[0], jobs[2]}
    assert len(keys) == 2 * 2 * 3


def test_the_largest_of_all_jobs_together(client, jobs, sweep) -> None:
    asked = {"columns": "i,j,bracket_norm", "where": "step:eq:10", "order_by": "-bracket_norm", "limit": 3}
    assert rows(client.get("/v1/tables/pairs", params={**asked, "job": jobs})) == [
        (jobs[2], 5, 7, 507.0),
        (jobs[1], 3, 7, 307.0),
        (jobs[2], 3, 7, 307.0),
    ]
    assert rows(client.get("/v1/tables/pairs", params={**asked, "sweep": sweep})) == [
        (jobs[1], 3, 7, 307.0),
        (jobs[0], 3, 5, 305.0),
        (jobs[1], 2, 7, 207.0),
    ]
    both = {**asked, "sweep": sweep, "job": jobs[2], "limit": 1}
    assert rows(client.get("/v1/tables/pairs", params=both)) == [(jobs[2], 5, 7, 507.0)]


def test_an_order_by_what_is_not_asked_for(client, jobs) -> None:
    asked = {"columns": "j", "order_by": "-i,j", "limit": 2, "job": jobs}
    assert rows(client.get("/v1/tables/pairs", params=asked)) == [(jobs[2], 7), (jobs[2], 7)]


def test_json_and_no_rows(client, jobs) -> None:
    asked = {"columns": "j", "where": "step:eq:0", "order_by": "-i", "limit": 1, "job": jobs[2]}
    answer = client.get("/v1/tables/pairs", params=asked, headers={"Accept": "application/json"})
    assert answer.json() == [{"job_id": jobs[2], "j": 7}]
    assert arrow(client.get("/v1/tables/fits", params={"job": jobs})).num_rows == 0


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ({}, 422, "name the jobs whose rows are wanted: job=NUMBER or sweep=NUMBER, repeatable"),
        ({"job": 10**9}, 404, f"there is no job {10**9}"),
        ({"sweep": 10**9}, 404, f"there is no sweep {10**9}"),
        ({"job": 0}, 422, "job"),
        ({"job": "1; drop table jobs"}, 422, "expected a whole number"),
        ({"job": 1, "columns": "size"}, 422, "unknown column of pairs 'size'"),
    ],
)
def test_what_is_not_there_is_told(client, problem, query: dict[str, Any], status: int, detail: str) -> None:
    assert detail in problem(client.get("/v1/tables/pairs", params=query), status).detail


def test_the_client_joins_what_was_varied(api, jobs, sweep) -> None:
    with Client(transport=HttpTransport(api.url, api.token("read"))) as client:
        found = client.pairs(sweep=sweep, step=10, columns="i,j,norm", order_by="-norm", limit=2)
        assert found.columns == ["job_id", "examples", "i", "j", "bracket_norm"]
        assert found["i"].to_list() == [3, 3]
        assert "7" in found["examples"][0]
        assert "5" in found["examples"][1]
        assert client.pairs(jobs=client.job(jobs[2]), step=0).height == 3
