"""Whole tables as Parquet: written once, read in ranges, by polars over HTTP."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2
import polars
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from schemas.archives import BLOCKS, ParquetFiles, TableFile, tables_of
from schemas.bracket_results import PAIRS
from service.api import tickets
from service.api.problems import ProblemError
from service.queue import events

SPEC = {
    "kind": "brackets",
    "training": {"kind": "training", "steps": 30, "checkpoints": [0, 10]},
    "steps": [0, 10],
    "examples": [2, 3, 5, 7, 11],
}


def finished(api, worker, **fields) -> int:
    with api.client("submit") as client:
        job_id = client.post("/v1/jobs", json={"spec": SPEC, **fields}).json()["job"]["id"]
    worker.run(job_id)
    return job_id


@pytest.fixture(scope="module")
def job(api, worker) -> int:
    return finished(api, worker)


@pytest.fixture
def made(client, job) -> ParquetFiles:
    answer = client.post("/v1/parquet", json={"jobs": [job], "tables": ["pairs", "blocks", "checkpoints"]})
    assert answer.status_code == 200, answer.text
    return ParquetFiles.model_validate_json(answer.content)


def test_a_table_is_the_rows_in_key_order_with_their_meanings(client: httpx2.Client, job: int) -> None:
    content = client.get(f"/v1/jobs/{job}/parquet/pairs").content
    table = pq.read_table(io.BytesIO(content))
    assert table.column_names == [column.name for column in PAIRS.columns]
    assert table.num_rows == 2 * 10
    keys = list(zip(*(table[name].to_pylist() for name in ("step", "i", "j")), strict=True))
    assert keys == sorted(keys)
    assert table.schema.field("bracket_norm").metadata[b"meaning"].decode() == PAIRS.column("bracket_norm").meaning
    arrow = client.get(f"/v1/jobs/{job}/tables/pairs").content
    assert polars.read_ipc_stream(io.BytesIO(arrow)).equals(polars.read_parquet(io.BytesIO(content)), null_equal=True)


def test_only_tables_of_the_kind_are_made_and_each_is_what_is_said(
    client: httpx2.Client, job: int, made: ParquetFiles
) -> None:
    assert [file.table for file in made.files] == ["pairs", "blocks"]
    for file in made.files:
        answer = client.get(f"/v1/jobs/{job}/parquet/{file.table}")
        assert hashlib.sha256(answer.content).hexdigest() == file.sha256
        assert answer.headers["etag"] == f'"{file.sha256}"'
        assert len(answer.content) == file.size_bytes


def test_the_list_names_every_table_and_what_is_written(client: httpx2.Client, job: int, made: ParquetFiles) -> None:
    listed = [TableFile.model_validate(file) for file in client.get(f"/v1/jobs/{job}/parquet").json()]
    assert [file.table for file in listed] == [table.name for table in tables_of("brackets")]
    assert [file for file in listed if file.table in ("pairs", "blocks")] == list(made.files)
    assert [file.rows for file in listed if file.table == "events"] == [None]


def test_a_table_without_rows_is_a_file_without_rows(client: httpx2.Client, job: int) -> None:
    content = client.get(f"/v1/jobs/{job}/parquet/projections").content
    assert polars.read_parquet(io.BytesIO(content)).is_empty()


def test_blocks_carry_what_they_were_computed_with(client: httpx2.Client, job: int) -> None:
    frame = polars.read_parquet(io.BytesIO(client.get(f"/v1/jobs/{job}/parquet/blocks").content))
    assert frame.columns == [column.name for column in BLOCKS.columns]
    assert frame["seq"].to_list() == list(range(len(frame)))
    assert '"made": "up"' in frame["record"][0]


def test_the_log_of_a_done_job_is_written_again_once_it_has_more_lines(client: httpx2.Client, api, worker) -> None:
    job_id = finished(api, worker, fresh=True)

    def last_line() -> str:
        content = client.get(f"/v1/jobs/{job_id}/parquet/events").content
        return pq.read_table(io.BytesIO(content))["message"].to_pylist()[-1]

    assert last_line() == "job done"
    client.get(f"/v1/jobs/{job_id}/parquet/pairs")
    before = {one["table"]: one for one in client.get(f"/v1/jobs/{job_id}/parquet").json()}
    with api.backend.engine.begin() as connection:
        events.write(connection, [events.Line(job_id, "retention dropped 2 objects")])
    after = {one["table"]: one for one in client.get(f"/v1/jobs/{job_id}/parquet").json()}
    assert (after["events"]["sha256"], after["pairs"]) == (None, before["pairs"])
    assert last_line() == "retention dropped 2 objects"
    assert client.get(f"/v1/jobs/{job_id}/parquet").json() != list(after.values())


def test_ranges(client: httpx2.Client, job: int) -> None:
    path = f"/v1/jobs/{job}/parquet/pairs"
    whole = client.get(path)
    size, etag = len(whole.content), whole.headers["etag"]
    for asked, expected in (
        ("bytes=4-9", whole.content[4:10]),
        ("bytes=-8", whole.content[-8:]),
        (f"bytes={size - 3}-", whole.content[-3:]),
        (f"bytes=0-{10 * size}", whole.content),
    ):
        part = client.get(path, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, expected)
        start = size - len(expected) if asked != "bytes=4-9" else 4
        assert part.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/{size}"
    for headers in (
        {"Range": "bytes=0-1,4-5"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=5-2"},
        {"Range": "bytes=4-9", "If-Range": '"other"'},
    ):
        assert (client.get(path, headers=headers).status_code, client.get(path, headers=headers).content) == (
            200,
            whole.content,
        )
    assert client.get(path, headers={"Range": "bytes=4-9", "If-Range": etag}).status_code == 206
    head = client.head(path, headers={"Range": "bytes=4-9"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (206, b"", "6")
    assert client.head(path).headers["content-length"] == str(size)


def test_a_range_beyond_the_end(client: httpx2.Client, job: int, problem) -> None:
    answer = client.get(f"/v1/jobs/{job}/parquet/pairs", headers={"Range": "bytes=100000000-"})
    assert "begins beyond them" in problem(answer, 416).detail
    assert answer.headers["content-range"].startswith("bytes */")


def test_objects_are_read_in_ranges_as_well(client: httpx2.Client, job: int) -> None:
    ref = client.get(f"/v1/jobs/{job}/objects").json()["objects"][0]
    path = f"/v1/jobs/{job}/objects/{ref['name']}"
    part = client.get(path, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, client.get(path).content[2:6])


def test_several_that_ask_at_once_get_one_file(api, worker) -> None:
    job_id = finished(api, worker, fresh=True)
    with api.client("read") as client, ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda _: client.get(f"/v1/jobs/{job_id}/parquet/pairs").headers["etag"], range(8)))
    assert len(set(digests)) == 1
    with api.backend.engine.connect() as connection:
        keys = list(connection.scalars(text("select key from table_files where job_id = :job"), {"job": job_id}))
        (digest,) = connection.scalars(text("select digest from jobs where id = :job"), {"job": job_id})
    stored = [found.key for found in api.backend.objects.list(f"jobs/{digest}/tables/pairs/{job_id}-")]
    assert stored == keys


def test_equal_results_are_equal_files(client: httpx2.Client, api, worker, job: int) -> None:
    other = finished(api, worker, fresh=True)
    assert (
        client.get(f"/v1/jobs/{job}/parquet/pairs").headers["etag"]
        == client.get(f"/v1/jobs/{other}/parquet/pairs").headers["etag"]
    )


def test_polars_scans_many_jobs_with_a_ticket(api, job: int, made: ParquetFiles) -> None:
    address = f"{api.url}/v1/parquet/job_id={job}/pairs.parquet?ticket={made.ticket}"
    frame = polars.scan_parquet([address], hive_schema={"job_id": polars.Int64}, hive_partitioning=True, glob=False)
    found = frame.filter(polars.col("step") == 10).select("job_id", "i").collect()
    assert found.shape == (10, 2)
    assert found["job_id"].unique().to_list() == [job]


@pytest.mark.parametrize(
    ("spoilt", "detail"),
    [
        (lambda ticket: "x", "it is not one of ours"),
        (lambda ticket: "1.2.3.4", "it is not one of ours"),
        (lambda ticket: "999999.9.ab", "the token that asked for it was revoked"),
        (lambda ticket: ticket[:-1] + ("0" if ticket[-1] != "0" else "1"), "it is not one of ours"),
        (lambda ticket: ticket.replace(".", ".9", 1), "it is not one of ours"),
    ],
)
def test_a_ticket_that_was_made_up(api, job: int, made: ParquetFiles, problem, spoilt, detail) -> None:
    with api.client() as client:
        answer = client.get(f"/v1/jobs/{job}/parquet/pairs", params={"ticket": spoilt(made.ticket)})
    assert detail in problem(answer, 401).detail


def test_a_ticket_ends_with_its_token_and_opens_nothing_else(api, job: int, problem) -> None:
    with api.client("read") as reader:
        ticket = reader.post("/v1/parquet", json={"jobs": [job], "tables": ["pairs"]}).json()["ticket"]
    with api.client() as nobody, api.client("admin") as admin:
        path = f"/v1/jobs/{job}/parquet/pairs"
        assert nobody.get(path, params={"ticket": ticket}).status_code == 200
        problem(nobody.get(f"/v1/jobs/{job}/tables/pairs", params={"ticket": ticket}), 401)
        problem(nobody.get(path), 401)
        admin.delete(f"/v1/tokens/{ticket.split('.')[0]}")
        assert "was revoked" in problem(nobody.get(path, params={"ticket": ticket}), 401).detail


def test_a_ticket_ends(api, made: ParquetFiles) -> None:
    with api.backend.engine.connect() as connection:
        tickets.check(connection, made.ticket, made.expires_at - timedelta(seconds=1))
        with pytest.raises(ProblemError, match=r"it ended at .* UTC; scan again for a new one"):
            tickets.check(connection, made.ticket, made.expires_at)


def test_tables_that_are_not_there(client: httpx2.Client, api, worker, job: int, problem) -> None:
    assert "did you mean" in problem(client.get(f"/v1/jobs/{job}/parquet/pear"), 404).detail
    assert "have no table 'checkpoints'" in problem(client.get(f"/v1/jobs/{job}/parquet/checkpoints"), 404).detail
    assert "there is no job 999999" in problem(client.get("/v1/jobs/999999/parquet"), 404).detail


def test_a_job_that_runs_has_no_files_yet(client: httpx2.Client, problem) -> None:
    spec = {"kind": "diagnostic", "blocks": 1}
    waiting = client.post("/v1/jobs", json={"spec": spec, "fresh": True}).json()["job"]["id"]
    detail = problem(client.get(f"/v1/jobs/{waiting}/parquet/blocks"), 409).detail
    assert f"job {waiting} is queued: its tables become Parquet once it is done" in detail
    client.post(f"/v1/jobs/{waiting}/cancel")
