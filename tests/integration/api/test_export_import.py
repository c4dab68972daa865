"""Exports of one installation, imported into another: two databases, two buckets, real servers."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import text
from typer.testing import CliRunner

from holonomy import Client
from holonomy.cli.app import app
from holonomy.errors import BadFile, Refused, Unauthorized
from schemas.archives import tables_of
from schemas.exports import ExportManifest

SPEC = {
    "kind": "brackets",
    "training": {"kind": "training", "steps": 40, "checkpoints": [0, 10]},
    "steps": [0, 10],
    "examples": [2, 3, 5, 7, 11],
    "test_examples": {"kind": "first", "count": 3},
    "keep": [[2, 5], [7, 11]],
}


def client_of(api, *scopes) -> Client:
    return Client(api.url, api.token(*scopes))


@pytest.fixture(scope="module")
def job(worker) -> int:
    return worker.finished(SPEC, name="travels", project="far", tags=["a", "b"], priority=3)


@pytest.fixture(scope="module")
def exported(api, job, tmp_path_factory) -> Path:
    """The export of a job and its training run; not to be written to."""
    folder = tmp_path_factory.mktemp("exports") / "export"
    client_of(api, "read").export(folder, jobs=[job])
    return folder


@pytest.fixture
def folder(exported, tmp_path) -> Path:
    """A copy to do with as one likes."""
    return Path(shutil.copytree(exported, tmp_path / "export"))


def manifest_of(folder: Path) -> ExportManifest:
    return ExportManifest.model_validate_json((folder / "manifest.json").read_bytes())


def rows(api, query: str, **values) -> list:
    with api.backend.engine.connect() as connection:
        return [row._asdict() for row in connection.execute(text(query), values)]


def test_an_export_is_what_its_manifest_says(exported, job, api) -> None:
    manifest = manifest_of(exported)
    assert [one.kind for one in manifest.jobs] == ["training", "brackets"]
    assert manifest.jobs[1].parents == (manifest.jobs[0].id,)
    assert (manifest.jobs[1].name, manifest.jobs[1].project, manifest.jobs[1].tags) == ("travels", "far", ("a", "b"))
    on_disk = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert on_disk == {"manifest.json", *(file.path for file in manifest.files)}
    for file in manifest.files:
        content = (exported / file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)
    tables = [file for file in manifest.files if file.what == "table" and file.job_id == job]
    assert [file.name for file in tables] == [table.name for table in tables_of("brackets")]
    objects = {file.name: file for file in manifest.files if file.what == "object" and file.job_id == job}
    assert set(objects) == {stored.name for stored in manifest.jobs[1].objects}
    assert all(file.path.endswith(f"{name}.safetensors") for name, file in objects.items())


def test_its_tables_are_partitioned_parquet(exported, job) -> None:
    frame = polars.scan_parquet(exported / "tables" / "*" / "pairs.parquet", hive_partitioning=True).collect()
    assert frame["job_id"].unique().to_list() == [job]
    assert len(frame) == 20


def test_an_import_gives_the_same_rows_and_objects(exported, job, elsewhere, api, tmp_path) -> None:
    there = manifest_of(exported)
    done = client_of(elsewhere, "admin").import_(exported)
    assert [one.number_there for one in done.jobs] == [one.id for one in there.jobs]
    assert all(one.created for one in done.jobs)
    client_of(elsewhere, "read").export(tmp_path / "again", jobs=[done.jobs[1].number])
    here = manifest_of(tmp_path / "again")
    assert [one.digest for one in here.jobs] == [one.digest for one in there.jobs]
    assert [one.spec for one in here.jobs] == [one.spec for one in there.jobs]
    kept = ("kind", "name", "project", "tags", "priority", "submitted_at", "started_at", "finished_at", "version")
    for old, new in zip(there.jobs, here.jobs, strict=True):
        assert {name: getattr(new, name) for name in kept} == {name: getattr(old, name) for name in kept}
        assert new.objects == old.objects
        assert new.provenance == old.provenance
    numbers = {one.number: one.number_there for one in done.jobs}
    old_files = {(file.job_id, file.name): file for file in there.files}
    for file in here.files:
        old = old_files.pop((numbers[file.job_id], file.name))
        if file.name == "blocks":
            _assert_same_blocks(tmp_path / "again" / file.path, exported / old.path)
        else:
            assert (file.sha256, file.rows) == (old.sha256, old.rows), file.path
    assert not old_files


def _assert_same_blocks(new: Path, old: Path) -> None:
    """Blocks name jobs by their numbers and objects by their keys, which are those of their installation."""
    frames = [polars.read_parquet(path) for path in (new, old)]
    assert_frame_equal(*(frame.drop("needs", "record") for frame in frames))
    records = [[json.loads(record) for record in frame["record"]] for frame in frames]
    for record in (record for side in records for record in side):
        for stored in record["objects"]:
            del stored["key"]
    assert records[0] == records[1]


def test_an_imported_job_is_read_like_any_other(exported, elsewhere, worker) -> None:
    client = client_of(elsewhere, "admin")
    number = client.import_(exported).jobs[1].number
    job = client.job(number)
    assert job.seen.name == "travels"
    assert len(job.pairs(step=0)) == 10
    assert (job.logits(2, 5, step=10) == worker.logits(10, 2, 5)).all()
    assert set(job.bracket(2, 5, step=0)) == {"0.weight", "0.bias"}
    assert job.training.checkpoint(10)["step"] == [10]
    assert [block.data for block in job.blocks()] == [{"made": "up"}] * job.seen.progress.total
    assert any("tester" in line.message for line in job.logs())
    (row,) = rows(elsewhere, "select imported, submitted_by, latest from jobs where id = :job", job=number)
    assert row["imported"]["number"] == manifest_of(exported).jobs[1].id
    assert (row["submitted_by"], row["latest"]) == ("tester", True)
    needs = rows(elsewhere, "select needs from blocks where job_id = :job and needs <> '[]'", job=number)
    parents = set(job.seen.parents)
    assert {need["job_id"] for row in needs for need in row["needs"]} <= parents | {number}


def test_a_submission_of_the_same_spec_finds_the_imported_job(exported, elsewhere) -> None:
    client = client_of(elsewhere, "admin")
    number = client.import_(exported).jobs[1].number
    with elsewhere.client("submit") as plain:
        answer = plain.post("/v1/jobs", json={"spec": SPEC}).json()
    assert (answer["job"]["id"], answer["created"]) == (number, False)


def test_importing_again_leaves_everything_alone(exported, elsewhere) -> None:
    client = client_of(elsewhere, "admin")
    first = client.import_(exported)
    again = client.import_(exported)
    assert [one.number for one in again.jobs] == [one.number for one in first.jobs]
    assert not any(one.created for one in again.jobs)
    assert len(rows(elsewhere, "select id from jobs")) == 2


def test_two_imports_at_once_store_each_job_once(exported, elsewhere) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: client_of(elsewhere, "admin").import_(exported), range(2)))
    assert [[one.number for one in done.jobs] for done in both] == [[one.number for one in both[0].jobs]] * 2
    assert sum(one.created for done in both for one in done.jobs) == 2
    assert len(rows(elsewhere, "select id from jobs")) == 2


def test_where_it_comes_from_it_is_there_already(exported, api, job) -> None:
    done = client_of(api, "admin").import_(exported)
    assert [one.created for one in done.jobs] == [False, False]
    assert done.jobs[1].number == job


@pytest.mark.usefixtures("job")
def test_an_imported_sweep_that_lacks_jobs_answers_no_submission(api, elsewhere, tmp_path) -> None:
    sweep = {"sweep": {"kind": "sweep", "base": SPEC["training"], "axes": {"seed": [0, 1]}}}
    with api.client("submit") as client:
        there = client.post("/v1/sweeps", json=sweep).json()["sweep"]["id"]
    client_of(api, "read").export(tmp_path / "export", sweeps=[there])
    importing = client_of(elsewhere, "admin")
    [first], [again] = (importing.import_(tmp_path / "export").sweeps for _ in range(2))
    assert (first.created, again.created, again.number) == (True, False, first.number)
    with elsewhere.client("submit") as client:
        answer = client.post("/v1/sweeps", json=sweep).json()
    assert (answer["created"], answer["jobs_created"], answer["sweep"]["jobs_total"]) == (True, 1, 2)


def test_an_import_needs_the_scope_admin(exported, elsewhere) -> None:
    with pytest.raises(Unauthorized, match="needs a token with scope admin"):
        client_of(elsewhere, "submit").import_(exported)


def test_of_tables_alone_the_arrays_are_told_to_be_absent(api, job, elsewhere, tmp_path) -> None:
    client_of(api, "read").export(tmp_path / "tables", jobs=[job], objects=False)
    assert not (tmp_path / "tables" / "objects").exists()
    number = client_of(elsewhere, "admin").import_(tmp_path / "tables").jobs[1].number
    assert len(client_of(elsewhere, "read").job(number).pairs(step=0)) == 10
    dropped = rows(elsewhere, "select dropped_at from objects where job_id = :job", job=number)
    assert dropped
    assert all(row["dropped_at"] is not None for row in dropped)


# Files that are not what the manifest says: nothing is imported.


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_flip, r"has sha256 [0-9a-f]{64} where the manifest says [0-9a-f]{64}: nothing was imported; copy that"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            r"has [0-9,]+ bytes where the manifest says [0-9,]+: nothing was",
        ),
        (Path.unlink, "is not there: nothing was imported"),
    ],
    ids=["a flipped bit", "cut short", "missing"],
)
@pytest.mark.parametrize("what", ["table", "object"])
def test_a_damaged_file_stops_the_import(folder, elsewhere, spoil, told, what) -> None:
    file = next(file for file in reversed(manifest_of(folder).files) if file.what == what)
    spoil(folder / file.path)
    with pytest.raises(BadFile, match=f"{Path(file.path).name} {told}"):
        client_of(elsewhere, "admin").import_(folder)
    assert rows(elsewhere, "select id from jobs") == []
    assert list(elsewhere.backend.objects.list("")) == []


def test_a_job_that_failed_here_makes_room(exported, elsewhere) -> None:
    with elsewhere.client("submit") as plain:
        waiting = plain.post("/v1/jobs", json={"spec": SPEC["training"]}).json()["job"]["id"]
        client = client_of(elsewhere, "admin")
        with pytest.raises(Refused, match=f"job {waiting} has the same spec as job .* and is queued: let it finish"):
            client.import_(exported)
        plain.post(f"/v1/jobs/{waiting}/cancel")
    assert client.import_(exported).jobs[0].number != waiting
    assert rows(elsewhere, "select latest from jobs where id = :job", job=waiting) == [{"latest": False}]


# Exports that are interrupted.


def test_an_export_goes_on_from_what_is_there(exported, api, job, folder) -> None:
    (folder / "manifest.json").unlink()
    files = manifest_of(exported).files
    whole, cut, wrong = (folder / file.path for file in files[-3:])
    content = cut.read_bytes()
    cut.with_name(f"{cut.name}.part").write_bytes(content[: len(content) // 2])
    cut.unlink()
    _flip(wrong)
    before = whole.stat().st_mtime_ns
    sent = list[int]()
    client_of(api, "read").export(folder, jobs=[job], report=lambda done, _: sent.append(done))
    assert whole.stat().st_mtime_ns == before
    for file in files:
        assert (folder / file.path).read_bytes() == (exported / file.path).read_bytes()
    assert sent[-1] == sum(file.size_bytes for file in files)
    assert not list(folder.rglob("*.part"))


def test_only_done_jobs_are_exported(api, tmp_path) -> None:
    with api.client("submit") as plain:
        spec = {"kind": "diagnostic", "blocks": 1}
        waiting = plain.post("/v1/jobs", json={"spec": spec, "fresh": True}).json()["job"]["id"]
        with pytest.raises(Refused, match=f"only done jobs are exported, and job {waiting} is queued"):
            client_of(api, "read").export(tmp_path / "export", jobs=[waiting])
        plain.post(f"/v1/jobs/{waiting}/cancel")
    assert not (tmp_path / "export").exists()


def test_an_export_does_not_mix_with_other_files(api, job, tmp_path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(Refused, match=r"holds 'thesis\.tex', which is of no export"):
        client_of(api, "read").export(tmp_path, jobs=[job])


def test_an_export_does_not_mix_with_another(api, job, tmp_path) -> None:
    (tmp_path / "tables" / "job_id=999999").mkdir(parents=True)
    with pytest.raises(
        Refused, match="holds an export of other jobs, such as job 999999: name a new or empty folder"
    ):
        client_of(api, "read").export(tmp_path, jobs=[job])


# The commands.


def _run(api, monkeypatch, scope, *arguments: str):
    monkeypatch.setenv("HOLONOMY_URL", api.url)
    monkeypatch.setenv("HOLONOMY_TOKEN", api.token(scope))
    return CliRunner().invoke(app, list(arguments))


def test_the_commands_take_a_job_from_here_to_there(api, job, elsewhere, monkeypatch, tmp_path) -> None:
    folder = str(tmp_path / "an export")
    done = _run(api, monkeypatch, "read", "export", str(job), folder)
    assert done.exit_code == 0, done.output
    assert f"`holonomy import '{folder}'` stores them in another installation" in done.stderr
    done = _run(elsewhere, monkeypatch, "admin", "import", folder)
    assert done.exit_code == 0, done.output
    assert f"job {job} of the export is 2 here" in done.stdout
    again = _run(elsewhere, monkeypatch, "admin", "import", folder)
    assert f"job {job} of the export was here already, as 2, and was left alone" in again.stdout
    listed = json.loads(_run(elsewhere, monkeypatch, "admin", "import", folder, "--json").stdout)
    assert listed["jobs"][1] == {"number_there": job, "number": 2, "created": False}


def test_a_command_says_in_one_line_what_is_wrong(elsewhere, monkeypatch, tmp_path) -> None:
    done = _run(elsewhere, monkeypatch, "admin", "import", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "has no manifest.json: name the folder of an export" in done.stderr
    done = _run(elsewhere, monkeypatch, "read", "export", "1", str(tmp_path / "new"))
    assert done.exit_code == 2
    assert "there is no job 1" in done.stderr
