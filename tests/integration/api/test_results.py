"""Tables, arrays, objects and progress of a brackets job whose numbers are known."""

import hashlib
import io
import json

import httpx2
import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load
from sqlalchemy import text

from schemas.api import Job, Manifest
from schemas.bracket_results import PAIRS

EXAMPLES = [2, 3, 5, 7, 11]
PAIR_COUNT = 10
SPEC = {
    "kind": "brackets",
    "training": {"kind": "training", "steps": 20, "checkpoints": [0, 10]},
    "steps": [0, 10],
    "examples": EXAMPLES,
    "test_examples": {"kind": "first", "count": 3},
    "keep": [[2, 5], [7, 11]],
}


@pytest.fixture(scope="module")
def job(worker) -> int:
    return worker.finished(SPEC, name="results")


def arrow(answer: httpx2.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    return pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()


def test_a_whole_table_comes_in_key_order(client: httpx2.Client, job: int) -> None:
    table = arrow(client.get(f"/v1/jobs/{job}/tables/pairs"))
    assert table.column_names == [column.name for column in PAIRS.columns]
    assert table.num_rows == 2 * PAIR_COUNT
    keys = list(zip(*(table[name].to_pylist() for name in ("step", "i", "j")), strict=True))
    assert keys == sorted(keys)
    assert table["bracket_norm"].to_pylist()[:2] == [203.0, 205.0]


def test_columns_filters_order_and_limit_are_applied_by_the_service(client: httpx2.Client, job: int) -> None:
    query = {
        "columns": "j,i,bracket_norm",
        "where": ["step:eq:10", "bracket_norm:ge:300", "j:ne:7"],
        "order_by": "-bracket_norm",
        "limit": 3,
    }
    table = arrow(client.get(f"/v1/jobs/{job}/tables/pairs", params=query))
    assert table.to_pylist() == [
        {"j": 11, "i": 7, "bracket_norm": 711.0},
        {"j": 11, "i": 5, "bracket_norm": 511.0},
        {"j": 11, "i": 3, "bracket_norm": 311.0},
    ]


def test_nulls_come_last_and_no_rows_is_an_answer(client: httpx2.Client, job: int) -> None:
    for order in ("gauss_newton_norm", "-gauss_newton_norm"):
        query = {"columns": "gauss_newton_norm", "where": "step:eq:0", "order_by": order}
        values = arrow(client.get(f"/v1/jobs/{job}/tables/pairs", params=query))["gauss_newton_norm"].to_pylist()
        present = [value for value in values if value is not None]
        assert 0 < len(present) < PAIR_COUNT
        assert values[: len(present)] == sorted(present, reverse=order.startswith("-"))
    assert arrow(client.get(f"/v1/jobs/{job}/tables/pairs", params={"limit": 0})).num_rows == 0
    assert arrow(client.get(f"/v1/jobs/{job}/tables/checkpoints")).num_rows == 0


def test_json_for_those_who_ask(client: httpx2.Client, job: int) -> None:
    query = {"columns": "i,j", "where": ["step:eq:0", "object:ge:tiles/"], "limit": 2}
    answer = client.get(f"/v1/jobs/{job}/tables/pairs", params=query, headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [{"i": 2, "j": 3}, {"i": 2, "j": 5}]


@pytest.mark.parametrize(
    ("table", "query", "detail"),
    [
        ("jobs", {}, "unknown table 'jobs'"),
        ("pairs;drop table jobs", {}, "unknown table"),
        ("pairs", {"columns": "i,(select sha256 from tokens)"}, "unknown column of pairs"),
        ("pairs", {"columns": 'i" from pairs --'}, "unknown column of pairs"),
        ("pairs", {"where": "step:eq:1 or 1=1"}, "step holds whole numbers"),
        ("pairs", {"where": "job_id:ne:0"}, "unknown column of pairs 'job_id'"),
        ("pairs", {"order_by": "bracket_norm; delete from jobs"}, "unknown column of pairs"),
        ("pairs", {"order_by": "pg_sleep(10)"}, "unknown column of pairs"),
        ("pairs", {"limit": "1; drop table jobs"}, "limit: expected a whole number"),
        ("pairs", {"limit": -1}, "limit: expected greater than or equal to 0"),
        ("pairs", {"where": ["i:eq:1"] * 51}, "where: expected at most 50 of them; came a list of 51"),
    ],
)
def test_nothing_of_a_request_becomes_sql(
    client: httpx2.Client, job: int, problem, table: str, query: dict[str, object], detail: str
) -> None:
    assert detail in problem(client.get(f"/v1/jobs/{job}/tables/{table}", params=query), 422).detail


def test_text_is_compared_as_it_came(client: httpx2.Client, job: int) -> None:
    query = {"where": "object:eq:' or '1'='1"}
    assert arrow(client.get(f"/v1/jobs/{job}/tables/pairs", params=query)).num_rows == 0


@pytest.mark.parametrize(("i", "j"), [(2, 3), (3, 11), (7, 11)])
def test_logits_change_sign_with_the_order(client: httpx2.Client, job: int, worker, i: int, j: int) -> None:
    for step in (0, 10):
        path = f"/v1/jobs/{job}/arrays/logits?step={step}"
        there, back = (load(client.get(f"{path}&i={a}&j={b}").content) for a, b in ((i, j), (j, i)))
        np.testing.assert_array_equal(there["logits"], worker.logits(step, i, j))
        np.testing.assert_array_equal(back["logits"], -worker.logits(step, i, j))
        assert there["logits"].dtype == np.float32


def test_a_kept_bracket_comes_by_parameter(client: httpx2.Client, job: int, worker) -> None:
    for i, j in ((2, 5), (7, 11)):
        wanted = worker.bracket(10, i, j)
        for a, b, sign in ((i, j, 1), (j, i, -1)):
            answer = client.get(f"/v1/jobs/{job}/arrays/bracket", params={"step": 10, "i": a, "j": b})
            found = load(answer.content)
            assert found.keys() == wanted.keys()
            for name, values in wanted.items():
                np.testing.assert_array_equal(found[name], sign * values)


@pytest.mark.parametrize(
    ("array", "step", "i", "j", "status", "detail"),
    [
        (
            "bracket",
            10,
            2,
            3,
            404,
            'was not kept, only its norms: submit the job with keep = "all", or keep = [[2, 3]]',
        ),
        ("bracket", 10, 3, 2, 404, "keep = [[2, 3]]"),
        ("logits", 10, 2, 2, 422, "with itself is zero by definition"),
        ("logits", 10, 2, 4, 404, "example 4 is not among those of job"),
        ("logits", 5, 2, 3, 404, "has brackets at steps 0, 10, not at 5: put the step into"),
        ("logits", -1, 2, 3, 422, "step: expected greater than or equal to 0"),
        ("logits", 10, 2, 2**31, 422, "j: expected less than or equal to 2147483647"),
        (
            "checkpoint",
            5,
            0,
            0,
            404,
            "no checkpoint at step 5; there are: 0, 10, 20. To keep it, put 5 into `checkpoints`",
        ),
    ],
)
def test_arrays_that_are_not_there(
    client: httpx2.Client, job: int, problem, array: str, step: int, i: int, j: int, status: int, detail: str
) -> None:
    answer = client.get(f"/v1/jobs/{job}/arrays/{array}", params={"step": step, "i": i, "j": j})
    assert detail in problem(answer, status).detail


def test_arrays_of_other_jobs(client: httpx2.Client, job: int, problem, worker) -> None:
    parent = client.get(f"/v1/jobs/{job}").json()["parents"][0]
    pair = {"step": 0, "i": 1, "j": 2}
    answer = client.get(f"/v1/jobs/{parent}/arrays/logits", params=pair)
    assert "is a training job: only brackets jobs have pairs" in problem(answer, 404).detail
    assert (
        "there is no job 77777777" in problem(client.get("/v1/jobs/77777777/arrays/logits", params=pair), 404).detail
    )

    plain = {**SPEC, "examples": [1, 2], "test_examples": None, "keep": "none"}
    other = client.post("/v1/jobs", json={"spec": plain}).json()["job"]["id"]
    answer = client.get(f"/v1/jobs/{other}/arrays/logits", params=pair)
    assert "is queued and has not computed the pair (1, 2) at step 0: wait" in problem(answer, 404).detail
    worker.run(other)
    answer = client.get(f"/v1/jobs/{other}/arrays/logits", params=pair)
    assert "submit it with `test_examples`" in problem(answer, 404).detail


@pytest.mark.parametrize(
    ("logits", "detail"),
    [
        ([[2, 3]], "of the pairs listed in `logits`, and (2, 5) is not among them: list it too"),
        (
            {"kind": "top", "count": 1},
            "of the 1 pairs with the largest bracket_norm at a checkpoint, and (2, 5) is not among them: submit it "
            'with logits = "all", or logits = [[2, 5]]',
        ),
    ],
)
def test_logits_of_pairs_that_were_not_moved(client: httpx2.Client, problem, worker, logits, detail: str) -> None:
    spec = {**SPEC, "logits": logits, "examples": [2, 3, 5]}
    other = client.post("/v1/jobs", json={"spec": spec | {"keep": "none"}}).json()["job"]["id"]
    worker.run(other)
    answer = client.get(f"/v1/jobs/{other}/arrays/logits", params={"step": 10, "i": 5, "j": 2})
    assert detail in problem(answer, 404).detail


def test_checkpoints_are_those_of_the_run(client: httpx2.Client, job: int) -> None:
    parent = client.get(f"/v1/jobs/{job}").json()["parents"][0]
    for owner in (job, parent):
        answer = client.get(f"/v1/jobs/{owner}/arrays/checkpoint", params={"step": 10})
        assert load(answer.content)["step"] == [10]


def test_every_object_of_the_manifest_can_be_fetched(client: httpx2.Client, job: int, problem) -> None:
    manifest = Manifest.model_validate_json(client.get(f"/v1/jobs/{job}/objects").content)
    assert manifest.objects
    for ref in manifest.objects:
        answer = client.get(f"/v1/jobs/{job}/objects/{ref.name}")
        assert hashlib.sha256(answer.content).hexdigest() == ref.sha256
        assert answer.headers["etag"] == f'"{ref.sha256}"'
        assert answer.headers["content-length"] == str(ref.size_bytes)
    assert "has no object 'tiles/none'" in problem(client.get(f"/v1/jobs/{job}/objects/tiles/none"), 404).detail


def test_dropped_objects_say_when_and_why_and_what_to_do(api, client: httpx2.Client, job: int, problem) -> None:
    with api.backend.engine.begin() as connection:
        connection.execute(
            text("""
                update objects set dropped_at = '2026-03-04T05:06:07Z', drop_reason = 'arrays older than 30d'
                where split_part(name, '/', 1) in ('tiles', 'checkpoints')
            """)
        )
    manifest = Manifest.model_validate_json(client.get(f"/v1/jobs/{job}/objects").content)
    assert manifest.dropped
    expected = "was dropped on 2026-03-04 at 05:06 UTC by retention (arrays older than 30d): `holonomy fsck --mend"
    for path in (
        f"objects/{manifest.dropped[0]}",
        "arrays/checkpoint?step=10",
        "arrays/bracket?step=10&i=2&j=5",
    ):
        assert expected in problem(client.get(f"/v1/jobs/{job}/{path}"), 410).detail


def test_progress_is_streamed_until_the_job_is_done(api, client: httpx2.Client, worker) -> None:
    spec = {"kind": "diagnostic", "blocks": 4, "seconds": 9.01}
    job_id = client.post("/v1/jobs", json={"spec": spec}).json()["job"]["id"]
    seen: list[Job] = []
    with client.stream("GET", f"/v1/jobs/{job_id}/progress") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(Job.model_validate(json.loads(line.removeprefix("data: "))))
                left = 4 - seen[-1].progress.done
                if left:
                    worker.run(job_id, leave=left - 1)
    assert seen[0].state == "queued"
    assert seen[-1].state == "done"
    done = [job.progress.done for job in seen]
    assert done == sorted(done)
    assert done[-1] == 4
