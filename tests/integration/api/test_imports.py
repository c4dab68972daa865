"""What an import sends, and what of it is refused."""

import hashlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holonomy import Client
from schemas.brackets import Brackets
from schemas.canonical import digest
from schemas.exports import ExportManifest, ImportSource, JobImport, SweepImport
from schemas.training import Training

SPEC = {
    "kind": "brackets",
    "training": {"kind": "training", "steps": 70, "checkpoints": [0, 10]},
    "steps": [0, 10],
    "examples": [2, 3, 5],
}


@pytest.fixture(scope="module")
def job(api, worker) -> int:
    with api.client("submit") as client:
        job_id = client.post("/v1/jobs", json={"spec": SPEC}).json()["job"]["id"]
    worker.run(job_id)
    return job_id


@pytest.fixture(scope="module")
def folder(api, job, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "export"
    Client(api.url, api.token("read")).export(folder, jobs=[job])
    return folder


@pytest.fixture(scope="module")
def manifest(folder) -> ExportManifest:
    return ExportManifest.model_validate_json((folder / "manifest.json").read_bytes())


@pytest.fixture
def admin(elsewhere):
    with elsewhere.client("admin") as client:
        yield client


@pytest.fixture
def uploaded(admin, folder, manifest) -> None:
    for file in manifest.files:
        assert put(admin, (folder / file.path).read_bytes()) == file.sha256


def put(client, content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    assert client.put(f"/v1/imports/files/{sha256}", content=content).status_code == 204
    return sha256


def request(manifest: ExportManifest, index: int, **changes) -> JobImport:
    job = manifest.jobs[index]
    asked = JobImport(
        source=ImportSource(source="http://x", version="0", exported_at=manifest.exported_at, number=job.id),
        job=job,
        parents=dict.fromkeys(job.parents, 1),
        tables={file.name: file.sha256 for file in manifest.files if file.what == "table" and file.job_id == job.id},
    )
    return asked.model_copy(update=changes)


def sent(client, body, what: str = "jobs"):
    return client.post(f"/v1/imports/{what}", json=body.model_dump(mode="json"))


def test_a_file_is_taken_once_and_under_its_digest_alone(admin, problem) -> None:
    sha256 = put(admin, b"bytes")
    assert put(admin, b"bytes") == sha256
    other = "0" * 64
    assert admin.post("/v1/imports/missing", json={"sha256s": [sha256, other]}).json() == {"sha256s": [other]}
    wrong = admin.put(f"/v1/imports/files/{other}", content=b"bytes")
    assert f"the body's sha256 is {sha256}, the path says {other}: send it again" in problem(wrong, 422).detail
    assert admin.put("/v1/imports/files/short", content=b"").status_code == 422


def test_only_administrators_import(elsewhere, manifest, problem) -> None:
    with elsewhere.client("submit") as client:
        problem(client.put(f"/v1/imports/files/{'0' * 64}", content=b""), 403)
        problem(sent(client, request(manifest, 0)), 403)
        problem(client.post("/v1/imports/missing", json={"sha256s": []}), 403)


def test_files_come_before_the_job(admin, manifest, problem) -> None:
    detail = problem(sent(admin, request(manifest, 0)), 404).detail
    assert "of job" in detail
    assert "is not uploaded: PUT /v1/imports/files/" in detail


@pytest.mark.usefixtures("uploaded")
def test_parents_come_before_their_children(admin, manifest, problem) -> None:
    child = request(manifest, 1)
    assert "needs its job" in problem(sent(admin, child), 404).detail
    detail = problem(sent(admin, child.model_copy(update={"parents": {}})), 422).detail
    assert "and came with []: name each, and no other" in detail
    assert sent(admin, request(manifest, 0)).json() == {"id": 1, "created": True}
    assert sent(admin, child).json()["created"]


@pytest.mark.usefixtures("uploaded")
def test_a_parent_is_the_run_of_the_spec(admin, manifest, problem) -> None:
    spec = Training.model_validate(manifest.jobs[0].spec.model_dump(mode="json") | {"seed": 8})
    other = manifest.jobs[0].model_copy(update={"spec": spec, "digest": digest(spec)})
    assert sent(admin, request(manifest, 0, job=other)).status_code == 201
    detail = problem(sent(admin, request(manifest, 1)), 422).detail
    assert "job 1 is not the training run of job" in detail


@pytest.mark.usefixtures("uploaded")
def test_a_direction_saved_by_a_job_must_be_of_the_same_job_here(elsewhere, admin, manifest, problem) -> None:
    run, job = manifest.jobs
    with elsewhere.client("submit") as client:
        client.post("/v1/jobs", json={"spec": {"kind": "diagnostic", "blocks": 1, "seconds": 0.0}})
    saved = {"kind": "saved", "job_id": run.id, "object": "checkpoints/000000010", "prefix": "parameters/"}
    spec = Brackets.model_validate(job.spec.model_dump(mode="json") | {"projections": [saved]})
    child = job.model_copy(update={"spec": spec, "digest": digest(spec)})
    here = sent(admin, request(manifest, 0)).json()["id"]
    asked = request(manifest, 1, job=child, parents={run.id: here})
    assert here != run.id
    assert f"projects on `checkpoints/000000010` of job {run.id} there" in problem(sent(admin, asked), 422).detail


@pytest.mark.usefixtures("uploaded")
def test_a_spec_has_its_digest(admin, manifest, problem) -> None:
    job = manifest.jobs[0].model_copy(update={"digest": "0" * 64})
    detail = problem(sent(admin, request(manifest, 0, job=job)), 422).detail
    assert "and not 000000000000…: its manifest was changed" in detail


@pytest.mark.usefixtures("uploaded")
def test_every_table_of_the_kind_is_named(admin, manifest, problem) -> None:
    tables = request(manifest, 0).tables
    del tables["checkpoints"]
    detail = problem(sent(admin, request(manifest, 0, tables=tables)), 422).detail
    assert "comes without its tables checkpoints: export it again" in detail


def blocks_with(folder: Path, job: int, column: str, value: str) -> bytes:
    """The blocks of a job with one value in place of all of a column."""
    table = pq.read_table(folder / f"tables/job_id={job}/blocks.parquet")
    table = table.set_column(table.column_names.index(column), column, pa.array([value] * len(table)))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


@pytest.mark.usefixtures("uploaded")
def test_every_object_of_its_blocks_is_named_with_its_length(admin, manifest, problem) -> None:
    job = manifest.jobs[0]
    first, *rest = job.objects
    less = job.model_copy(update={"objects": tuple(rest)})
    told = f"does not name the object {first.name}, which its blocks made: export it again"
    assert told in problem(sent(admin, request(manifest, 0, job=less)), 422).detail
    longer = first.model_copy(update={"size_bytes": first.size_bytes + 1})
    wrong = job.model_copy(update={"objects": (longer, *rest)})
    told = f"object {first.name} of job {job.id} should have {longer.size_bytes:,} bytes, and its file has "
    assert told in problem(sent(admin, request(manifest, 0, job=wrong)), 422).detail
    assert admin.get("/v1/jobs").json()["items"] == []


@pytest.mark.usefixtures("uploaded")
@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("payload", '{"kind": "future"}', "block 0 of the job cannot be read"),
        ("record", "{", "block 0 of the job cannot be read"),
        ("needs", '[{"job_id": 77, "name": "x"}]', "it needs job 77, which is no parent of it"),
        ("record", "{}", "no block made the object"),
        ("phase", "x", "does not have that table's columns"),
    ],
)
def test_blocks_that_cannot_be_read(admin, folder, manifest, problem, column, value, told) -> None:
    content = blocks_with(folder, manifest.jobs[0].id, column, value)
    tables = request(manifest, 0).tables | {"blocks": put(admin, content)}
    assert told in problem(sent(admin, request(manifest, 0, tables=tables)), 422).detail
    assert admin.get("/v1/jobs").json()["items"] == []


@pytest.mark.usefixtures("uploaded")
def test_a_table_that_is_no_parquet(admin, manifest, problem) -> None:
    tables = request(manifest, 0).tables | {"checkpoints": put(admin, json.dumps({}).encode())}
    assert "is not Parquet" in problem(sent(admin, request(manifest, 0, tables=tables)), 422).detail


def test_jobs_of_a_sweep_come_before_it(admin, manifest, problem) -> None:
    sweep = {
        "id": 4,
        "digest": "1" * 64,
        "name": None,
        "spec": {},
        "submitted_at": manifest.exported_at,
        "finished_at": None,
        "version": "0",
        "jobs": [{"position": 0, "job_id": 99, "varied": {}}],
    }
    asked = SweepImport(source=request(manifest, 0).source, sweep=sweep)
    detail = problem(sent(admin, asked, "sweeps"), 404).detail
    assert "job 99 of sweep 4 of the export is not done here: import it first" in detail
