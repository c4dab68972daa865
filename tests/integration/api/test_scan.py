"""Tables of many jobs as one lazy frame of polars, and sweeps that travel."""

import secrets

import numpy as np
import polars
import pytest
from sqlalchemy import text

from holonomy import Client
from holonomy.errors import NotFound, Refused, Unconfigured
from schemas.archives import ParquetFiles, ParquetRequest
from schemas.bracket_results import PAIRS
from schemas.sweep_bodies import SubmittedSweep
from service.db.copy import copy_rows, encode
from tests.support.fragile import Fragile

BASE = {
    "kind": "brackets",
    "training": {"kind": "training", "steps": 60, "checkpoints": [0, 10]},
    "steps": [0, 10],
    "examples": [2, 3, 5],
}
LEARNING_RATE = "training.optimizer.lr"
LARGE = text("""
    insert into jobs (digest, kind, spec, state, submitted_by, version)
    values (:digest, 'brackets', '{}', 'done', 'tester', '0') returning id
""")


@pytest.fixture(scope="module")
def sweep(api, worker) -> SubmittedSweep:
    """Three jobs, of which the last has not run."""
    axes = {LEARNING_RATE: [0.125, 0.25, 0.5]}
    body = {"sweep": {"kind": "sweep", "base": BASE, "axes": axes}, "name": "rates", "tags": ["x"]}
    with api.client("submit") as client:
        made = SubmittedSweep.model_validate_json(client.post("/v1/sweeps", json=body).content)
        jobs = [one["job"]["id"] for one in client.get(f"/v1/sweeps/{made.sweep.id}/jobs").json()["items"]]
    for job in jobs[:2]:
        worker.run(job)
    return made


@pytest.fixture
def jobs(api, sweep) -> list[int]:
    with api.client("read") as client:
        return [one["job"]["id"] for one in client.get(f"/v1/sweeps/{sweep.sweep.id}/jobs").json()["items"]]


@pytest.fixture
def reader(api) -> Client:
    return Client(api.url, api.token("read"))


def test_a_scan_of_jobs(reader: Client, jobs: list[int]) -> None:
    frame = reader.scan("pairs", jobs=jobs[:2])
    assert frame.collect_schema().names()[:4] == ["job_id", "step", "i", "j"]
    found = frame.filter(polars.col("step") == 10).collect()
    assert sorted(found["job_id"].to_list()) == sorted(jobs[:2] * 3)
    one = reader.scan("pairs", jobs=[reader.job(jobs[0])]).drop("job_id").collect()
    assert one.equals(reader.job(jobs[0]).table("pairs"))


def test_a_scan_of_a_sweep_has_the_varied_fields(reader: Client, sweep: SubmittedSweep, jobs: list[int]) -> None:
    frame = reader.scan("pairs", sweep=sweep.sweep.id)
    varied = LEARNING_RATE
    rates = frame.group_by("job_id").agg(polars.col(varied).unique().first(), polars.len()).sort("job_id").collect()
    assert rates.rows() == [(jobs[0], 0.125, 6), (jobs[1], 0.25, 6)]
    assert frame.filter(polars.col(varied) > 0.2).select("job_id").unique().collect()["job_id"].to_list() == [jobs[1]]


@pytest.fixture(scope="module")
def large(api) -> int:
    """A done job with 300,000 pairs at each of two checkpoints."""
    count, draw = 300_000, np.random.default_rng(0)
    with api.backend.engine.begin() as connection:
        job = connection.execute(LARGE, {"digest": secrets.token_hex(32)}).scalar_one()
        for step in (0, 1):
            columns: dict[str, object] = {column.name: draw.random(count) for column in PAIRS.columns}
            columns |= {name: np.full(count, step) for name in ("step", "position", "kept_position")}
            columns |= {"i": np.arange(count), "j": np.arange(count) + 1, "object": ["tile"] * count}
            columns |= {"recomputed": np.zeros(count, bool)}
            for start in range(0, count, 100_000):
                part = {name: values[start : start + 100_000] for name, values in columns.items()}
                copy_rows(connection, PAIRS, [encode(PAIRS, job, part)])
    return int(job)


def test_only_the_columns_and_row_groups_that_are_used_travel(
    api, reader: Client, large: int, jobs: list[int], monkeypatch
) -> None:
    frame = reader.scan("pairs", jobs=[large, jobs[0]])
    store, read = api.backend.objects, list[tuple[str, int]]()
    stream_range = store.stream_range

    def counted(key: str, start: int, stop: int):
        read.append((key, stop - start))
        return stream_range(key, start, stop)

    monkeypatch.setattr(store, "stream_range", counted)
    frame.select(polars.col("bracket_norm").max(), polars.col("defect").max()).collect()
    columns = sum(count for _, count in read)
    (file,) = reader._connection.post(
        "/v1/parquet", ParquetFiles, ParquetRequest(jobs=(large,), tables=("pairs",))
    ).files
    assert file.rows == 600_000
    assert columns < 0.25 * file.size_bytes
    read.clear()
    one = frame.filter(polars.col("job_id") == large, polars.col("step") == 1).select(polars.col("defect").max())
    assert 0.999 < one.collect().item() < 1.0
    groups = sum(count for _, count in read)
    assert groups < 0.6 * columns
    assert not any(f"/{jobs[0]}-" in key for key, _ in read)


def test_how_jobs_went_can_be_scanned(reader: Client, jobs: list[int]) -> None:
    found = reader.scan("blocks", jobs=jobs[:2]).select(polars.col("seconds").sum(), polars.len()).collect()
    assert found["len"].item() > 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pear",), "there is no table 'pear'; did you mean 'pairs'"),
        (("pairs",), "name the jobs whose pairs are wanted"),
    ],
)
def test_scans_that_cannot_be(reader: Client, arguments, told) -> None:
    with pytest.raises(Refused, match=told):
        reader.scan(*arguments)


def test_scans_of_what_is_not_there(reader: Client, api, jobs: list[int]) -> None:
    with pytest.raises(
        Refused, match=f"job {jobs[2]} is (queued|running): its tables become Parquet once it is done"
    ):
        reader.scan("pairs", jobs=[jobs[2]])
    with pytest.raises(Refused, match="none of these jobs is of a kind that has the table checkpoints"):
        reader.scan("checkpoints", jobs=jobs[:1])
    with pytest.raises(NotFound, match="there is no job 999999"):
        reader.scan("pairs", jobs=[999_999])
    through = Client(transport=Fragile(reader._transport, 0, lambda: None))
    with pytest.raises(Unconfigured, match="scan reads over HTTP"):
        through.scan("pairs", jobs=jobs[:1])


def test_a_sweep_without_done_jobs_cannot_be_scanned_or_exported(reader: Client, api, tmp_path) -> None:
    body = {"sweep": {"kind": "sweep", "base": {"kind": "diagnostic"}, "axes": {"seconds": [3.25]}}}
    with api.client("submit") as client:
        number = client.post("/v1/sweeps", json=body).json()["sweep"]["id"]
        with pytest.raises(Refused, match=f"no job of sweep {number} is done yet"):
            reader.scan("events", sweep=number)
        with pytest.raises(Refused, match=f"no job of sweep {number} is done: there is nothing to export"):
            reader.export(tmp_path / "export", sweeps=[number])
        client.post(f"/v1/sweeps/{number}/cancel")


def test_a_sweep_travels_with_those_of_its_jobs_that_are_done(
    reader: Client, sweep: SubmittedSweep, jobs: list[int], elsewhere, tmp_path
) -> None:
    told = list[str]()
    manifest = reader.export(tmp_path / "export", sweeps=[sweep.sweep.id], tell=told.append)
    assert told == [f"sweep {sweep.sweep.id}: 1 of 3 jobs are not done and are left out"]
    assert {job.id for job in manifest.jobs} >= set(jobs[:2])
    client = Client(elsewhere.url, elsewhere.token("admin"))
    done = client.import_(tmp_path / "export")
    (arrival,) = done.sweeps
    assert (arrival.number_there, arrival.created) == (sweep.sweep.id, True)
    numbers = {one.number_there: one.number for one in done.jobs}
    with elsewhere.client("read") as plain:
        shown = plain.get(f"/v1/sweeps/{arrival.number}").json()
        members = plain.get(f"/v1/sweeps/{arrival.number}/jobs").json()["items"]
    assert (shown["state"], shown["name"], shown["tags"], shown["jobs_total"]) == ("done", "rates", ["x"], 2)
    assert shown["digest"] == manifest.sweeps[0].digest
    assert [one["job"]["id"] for one in members] == [numbers[job] for job in jobs[:2]]
    assert [one["varied"] for one in members] == [{LEARNING_RATE: 0.125}, {LEARNING_RATE: 0.25}]
    assert client.scan("pairs", sweep=arrival.number).select(polars.len()).collect().item() == 12
    assert not client.import_(tmp_path / "export").sweeps[0].created
