"""Queries over HTTP, as the reading role of a real Postgres."""

import io
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx2
import pyarrow as pa
import pytest

from schemas.query_bodies import MOST_ROWS
from service.api.backend import QUERY_SLOTS
from service.db.arrow import ArrowDatabase


@pytest.fixture
def ask(client):
    def ask(sql: str, **fields: Any) -> httpx2.Response:
        return client.post("/v1/query", json={"sql": sql, **fields})

    return ask


def arrow(answer: httpx2.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    return pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()


def test_rows_come_as_arrow_or_as_json(ask, client) -> None:
    sql = "select x, x / 2.0 as half from generate_series(1, 3) x -- three\n;"
    assert arrow(ask(sql)).to_pylist() == [{"x": x, "half": x / 2} for x in (1, 2, 3)]
    answer = client.post("/v1/query", json={"sql": sql}, headers={"Accept": "application/json"})
    assert answer.json() == [{"x": x, "half": x / 2} for x in (1, 2, 3)]


def test_it_runs_as_the_reading_role_on_the_views(ask) -> None:
    [row] = arrow(ask("select current_user::text as who, count(*) as jobs from jobs")).to_pylist()
    assert row["who"].endswith("_query")
    assert row["jobs"] >= 0


@pytest.mark.parametrize(
    "time", ["timestamptz 'infinity'", "date '-infinity'", "timestamp '12000-01-01'", "date '0044-03-15 BC'"]
)
def test_times_that_iso_8601_has_not_are_null_in_json(client, time) -> None:
    sql = f"select {time} as t, timestamptz '2026-11-21 02:30+01' as at, date '9999-12-31' as last, null::date as no"
    answer = client.post("/v1/query", json={"sql": sql}, headers={"Accept": "application/json"})
    assert answer.json() == [{"t": None, "at": "2026-11-21T01:30:00+00:00", "last": "9999-12-31", "no": None}]


def test_comments_may_hold_comments(ask) -> None:
    assert arrow(ask("select /* a /* b :x */ c */ 1 as x -- /* :y")).to_pylist() == [{"x": 1}]


def test_parameters_stand_for_values(ask) -> None:
    found = arrow(
        ask(
            "select :name as name, :step + 1 as step, :flag as flag, :nothing::int as nothing, ':step' as text",
            parameters={"name": "it's :step", "step": 3, "flag": True, "nothing": None},
        )
    ).to_pylist()
    assert found == [{"name": "it's :step", "step": 4, "flag": True, "nothing": None, "text": ":step"}]


def test_one_row_more_than_asked_tells_that_there_are_more(ask) -> None:
    assert arrow(ask("select generate_series(1, 100000000) as x", limit=10)).num_rows == 11
    assert arrow(ask("select generate_series(1, 10) as x", limit=10)).num_rows == 10
    assert arrow(ask("select generate_series(1, 200000) as x", limit=150_000)).num_rows == 150_001


@pytest.mark.parametrize(
    ("sql", "kind", "said"),
    [
        (
            "insert into checkpoints (job_id) values (1)",
            "query_not_allowed",
            "permission denied for view checkpoints: ",
        ),
        ("create table mine (x int)", "query_writes", "cannot execute CREATE TABLE in a read-only transaction: "),
        ("select * from public.tokens", "query_not_allowed", "permission denied for table tokens: a query may only"),
        ("select 1; select 2", "query_not_one", "one statement at a time"),
        ("select step\nfrom pairs\nwher i = 1", "query_refused", 'line 3, column 6: syntax error at or near "i"'),
        (
            "select * from pears",
            "query_refused",
            'line 1, column 15: relation "pears" does not exist; there are: ',
        ),
        ("select bracket_nrm from pairs", "query_refused", 'line 1, column 8: column "bracket_nrm" does not exist; '),
        ("select x.defekt from pairs x", "query_refused", "defect"),
        ("select foo(1)", "query_refused", "function foo(integer) does not exist; "),
        ("select 1 / 0", "query_refused", "division by zero"),
        ("select 1 as a, 2 as a", "query_refused", 'two columns are called "a": name them apart with `as`'),
        ("select point(1, 2) as p", "query_refused", 'column "p" is of a type that Arrow has not, point: cast it to'),
        ("set search_path = public", "invalid", "expected a statement that gives columns"),
        ("copy jobs to stdout", "query_refused", "copy"),
        ("-- nothing", "empty_query", "the query is empty"),
    ],
)
def test_refusals_are_one_line_that_says_what_to_do(ask, problem, sql: str, kind: str, said: str) -> None:
    found = problem(ask(sql), 422)
    assert found.type == f"holonomy:{kind}"
    assert said in found.detail


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from pg_sleep(30)",
        "select set_config('statement_timeout', '0', false), pg_sleep(30)",
        "select count(*) from generate_series(1, 1000000000) a, generate_series(1, 1000000000) b",
    ],
)
def test_what_takes_too_long_is_stopped(ask, problem, api, sql: str) -> None:
    began = time.monotonic()
    found = problem(ask(sql, timeout_seconds=0.4), 422)
    assert found.type == "holonomy:query_too_long"
    assert "it took longer than 0.4 s and was stopped: ask for less, or give it longer (up to 600 s)" in found.detail
    assert time.monotonic() - began < 5
    with api.backend.engine.connect() as connection:
        running = (
            "select count(*) from pg_stat_activity where application_name = 'holonomy query' and state = 'active'"
        )
        assert connection.exec_driver_sql(running).scalar_one() == 0


def test_a_fault_after_the_first_rows_cuts_the_stream(ask) -> None:
    with pytest.raises(httpx2.TransportError):
        ask("select 1 / (500000 - generate_series(1, 1000000)) as x", limit=MOST_ROWS)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"limit": MOST_ROWS + 1}, "limit: expected less than or equal to 10000000"),
        ({"timeout_seconds": 601}, "timeout_seconds: expected less than or equal to 600"),
        ({"timeout_seconds": 0}, "timeout_seconds: expected greater than 0"),
        ({"parameters": {"a b": 1}}, "parameters"),
        ({"parameters": {"a": [1]}}, "parameters"),
        ({"parameters": {"a": 1}}, "the query does not name the parameter :a"),
    ],
)
def test_the_body_is_checked(ask, problem, fields: dict[str, Any], said: str) -> None:
    assert said in problem(ask("select 1 as x", **fields), 422).detail


def test_so_many_at_once_and_no_more(api, client, problem, monkeypatch) -> None:
    monkeypatch.setattr("service.api.open_rows._WAIT_SECONDS", 0.1)
    slow = {"sql": "select pg_sleep(1.5), 1 as x"}

    def run() -> None:
        with api.client("read") as other:
            found.append(other.post("/v1/query", json=slow).status_code)

    found: list[int] = []
    threads = [threading.Thread(target=run) for _ in range(QUERY_SLOTS)]
    for thread in threads:
        thread.start()
    time.sleep(0.7)
    refused = problem(client.post("/v1/query", json={"sql": "select 1 as x"}), 503)
    assert "too many tables and queries are being read at once" in refused.detail
    for thread in threads:
        thread.join()
    assert found == [200] * QUERY_SLOTS
    assert client.post("/v1/query", json={"sql": "select 1 as x"}).status_code == 200


def test_a_client_that_leaves_frees_its_slot(api, client) -> None:
    body = {"sql": "select generate_series(1, 100000000) as x", "limit": MOST_ROWS}
    for _ in range(QUERY_SLOTS + 1):
        with ExitStack() as stack:
            other = stack.enter_context(api.client("read"))
            stream = stack.enter_context(other.stream("POST", "/v1/query", json=body))
            next(stream.iter_raw())
    assert client.post("/v1/query", json={"sql": "select 1 as x"}).status_code == 200


def test_a_token_that_may_read_is_needed(api, problem) -> None:
    with api.client() as nobody:
        problem(nobody.post("/v1/query", json={"sql": "select 1"}), 401)


def test_without_credentials_it_says_what_to_run(api, serving_again, problem) -> None:
    with serving_again(replace(api.backend, reader=None)) as running, running.client("read") as client:
        refused = problem(client.post("/v1/query", json={"sql": "select 1"}), 503)
    assert "`holonomy db credentials --read-only`" in refused.detail


def test_a_reader_that_cannot_log_in_is_an_outage(api, serving_again, problem) -> None:
    url = api.backend.engine.url.set(password="wrong").render_as_string(hide_password=False)
    with serving_again(replace(api.backend, reader=ArrowDatabase(url))) as running, running.client("read") as client:
        refused = problem(client.post("/v1/query", json={"sql": "select 1"}), 503)
    assert "the database does not answer queries" in refused.detail
    assert "wrong" not in refused.detail
