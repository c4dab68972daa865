"""What a service must do for the client, whichever service it is: the tests' own, or the real one.

A class that inherits `ClientContract` gives a fixture `client`: a client with every scope, on a service where nothing
runs (jobs stay queued until they are cancelled). Names and seeds are drawn anew, for services that outlive a test.
"""

import gzip
import hashlib
import secrets
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from holonomy import (
    Brackets,
    BracketsJob,
    Client,
    Diagnostic,
    DiagnosticJob,
    JobCancelled,
    NotFound,
    Refused,
    Sweep,
    SweepCancelled,
    Training,
    TrainingJob,
    WaitTimeout,
)
from schemas.datasets import StoredTokenizer, TextManifest
from tests.support.layouts import write_celeba, write_imdb, write_picture_folders


def any_seed() -> int:
    return secrets.randbelow(2**31)


def any_name() -> str:
    return f"contract-{secrets.token_hex(4)}"


def any_diagnostic() -> Diagnostic:
    return Diagnostic(blocks=1, seconds=secrets.randbelow(10**6) / 10**6)


def write_idx_folder(folder: Path, train: int = 7, test: int = 3, size: tuple[int, int] = (4, 5)) -> np.ndarray:
    """Four small IDX files, the train images gzipped; returns the train images."""
    folder.mkdir(exist_ok=True)
    images = {}
    for stem, count in (("train", train), ("t10k", test)):
        images[stem] = np.random.default_rng(count).integers(0, 256, (count, *size), dtype=np.uint8)
        header = struct.pack(">HBB3I", 0, 8, 3, count, *size)
        labels = bytes(index % 3 for index in range(count))
        content = header + images[stem].tobytes()
        suffix, content = (".gz", gzip.compress(content)) if stem == "train" else ("", content)
        (folder / f"{stem}-images-idx3-ubyte{suffix}").write_bytes(content)
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, count) + labels)
    return images["train"]


class ClientContract:
    """Tests of every call that needs no worker."""

    def test_a_job_is_stored_and_found_again(self, client: Client) -> None:
        name = f"contract {secrets.token_hex(4)}"
        spec = any_diagnostic()
        job = client.submit(spec, name=name, priority=3)
        assert isinstance(job, DiagnosticJob)
        assert job.created
        found = client.job(job.id)
        assert isinstance(found, DiagnosticJob)
        detail = found.detail()
        assert (detail.spec, detail.name, detail.priority, detail.state) == (spec, name, 3, "queued")

    def test_the_same_spec_is_one_job_unless_fresh(self, client: Client) -> None:
        spec = any_diagnostic()
        first, second, fresh = client.submit(spec), client.submit(spec), client.submit(spec, fresh=True)
        assert (second.id, second.created) == (first.id, False)
        assert fresh.created
        assert fresh.id != first.id

    def test_handles_are_typed_by_kind(self, client: Client) -> None:
        training = Training(steps=1, seed=any_seed())
        brackets = client.submit(Brackets(training=training, examples=range(2)))
        assert isinstance(brackets, BracketsJob)
        assert isinstance(client.submit(training), TrainingJob)

    def test_jobs_are_listed_newest_first_page_by_page(self, client: Client) -> None:
        name = secrets.token_hex(4)
        ids = [client.submit(any_diagnostic(), name=name).id for _ in range(3)]
        assert [job.id for job in client.jobs(name=name)] == ids[::-1]
        assert [job.id for job in client.jobs(name=name, limit=2)] == ids[:0:-1]
        assert [job.id for job in client.jobs(name=name, kind="training")] == []

    def test_cancel_ends_a_queued_job_and_its_watchers(self, client: Client) -> None:
        job = client.submit(any_diagnostic())
        timer = threading.Timer(0.3, job.cancel)
        timer.start()
        with pytest.raises(JobCancelled, match=f"job {job.id} was cancelled"):
            job.wait(progress=False)
        timer.join()
        assert job.status().state == "cancelled"

    def test_a_cancelled_job_can_be_retried(self, client: Client) -> None:
        job = client.submit(any_diagnostic())
        job.cancel()
        assert job.retry().state in ("queued", "running")
        with pytest.raises(Refused):
            client.submit(any_diagnostic()).retry()

    def test_waiting_has_an_end(self, client: Client) -> None:
        with pytest.raises(WaitTimeout, match=r"still going after 0\.3 s"):
            client.submit(any_diagnostic()).wait(progress=False, timeout=0.3)

    def test_a_sweep_is_stored_with_its_jobs_and_found_again(self, client: Client) -> None:
        name, tag = any_name(), any_name()
        sweep = Sweep(base=any_diagnostic(), axes={"blocks": [1, 2], "record_bytes": [0, 1]})
        made = client.submit(sweep, name=name, tags=[tag, "b"], project="contracts", priority=2, max_running_jobs=3)
        assert (made.created, made.jobs_created, made.seen.jobs_total) == (True, 4, 4)
        found = client.sweep(made.id).status()
        assert found.sweep == sweep
        assert (found.name, found.tags, found.project, found.state) == (name, (tag, "b"), "contracts", "running")
        assert (found.priority, found.max_running_jobs, found.jobs) == (2, 3, {"queued": 4})
        members = list(made.jobs())
        assert [(one.position, one.varied["blocks"], one.varied["record_bytes"]) for one in members] == [
            (0, 1, 0),
            (1, 1, 1),
            (2, 2, 0),
            (3, 2, 1),
        ]
        for one in members:
            detail = one.job.detail()
            assert isinstance(detail.spec, Diagnostic)
            assert (detail.spec.blocks, detail.spec.record_bytes) == (
                one.varied["blocks"],
                one.varied["record_bytes"],
            )
            assert (detail.project, detail.tags, detail.name) == ("contracts", (tag, "b"), name)
        assert [job.id for job in client.jobs(sweep=made.id, limit=3)] == [one.job.id for one in members[:3]]
        assert {job.id for job in client.jobs(tag=tag)} == {one.job.id for one in members}
        assert [job.id for job in client.jobs(tag=tag, project="default")] == []

    def test_the_same_sweep_is_one_and_shares_its_jobs(self, client: Client) -> None:
        base = any_diagnostic()
        alone = client.submit(base)
        sweep = Sweep(base=base, axes={"blocks": [1, 2]})
        first, second = client.submit(sweep), client.submit(sweep)
        assert (first.created, first.jobs_created) == (True, 1)
        assert (second.id, second.created, second.jobs_created) == (first.id, False, 0)
        assert next(one.job.id for one in first.jobs()) == alone.id

    def test_sweeps_are_listed_newest_first(self, client: Client) -> None:
        tag = any_name()
        ids = [client.submit(Sweep(base=any_diagnostic()), tags=[tag], name=tag).id for _ in range(3)]
        assert [one.id for one in client.sweeps(tag=tag)] == ids[::-1]
        assert [one.id for one in client.sweeps(name=tag, state="running", project="default", limit=2)] == ids[:0:-1]
        assert [one.id for one in client.sweeps(tag=tag, state="done")] == []

    def test_cancel_ends_a_sweep_and_its_watchers_and_retry_goes_on(self, client: Client) -> None:
        made = client.submit(Sweep(base=any_diagnostic(), axes={"blocks": [1, 2]}))
        timer = threading.Timer(0.2, made.cancel)
        timer.start()
        with pytest.raises(SweepCancelled, match=f"sweep {made.id} was cancelled: of 2 jobs 2 cancelled"):
            made.wait(progress=False)
        timer.join()
        assert made.retry().jobs == {"queued": 2}
        assert made.seen.state == "running"

    def test_waiting_for_a_sweep_has_an_end(self, client: Client) -> None:
        made = client.submit(Sweep(base=any_diagnostic()))
        with pytest.raises(WaitTimeout, match=rf"sweep {made.id} is still going after 0\.3 s"):
            made.wait(progress=False, timeout=0.3)

    def test_a_preview_says_what_is_there_and_stores_nothing(self, client: Client) -> None:
        base, tag = any_diagnostic(), any_name()
        job = client.submit(base)
        found = client.preview(Sweep(base=base, axes={"blocks": [1, 2]}), tags=[tag])
        assert (found.total, found.new, found.unfinished) == (2, 1, 1)
        assert [(one.job_id, one.varied) for one in found.jobs] == [(job.id, {"blocks": 1}), (None, {"blocks": 2})]
        assert [one.digest for one in client.preview(base).jobs] == [job.seen.digest]
        assert list(client.sweeps(tag=tag)) == []

    def test_projects_have_limits(self, client: Client) -> None:
        name = any_name()
        with pytest.raises(NotFound):
            client.projects.get(name)
        made = client.projects.set(name, max_running_jobs=3)
        assert (made.name, made.max_running_jobs, made.max_running_blocks) == (name, 3, None)
        assert client.projects.set(name, max_running_blocks=5).max_running_jobs is None
        assert client.projects.get(name).max_running_blocks == 5
        assert name in {project.name for project in client.projects.list()}

    def test_what_is_not_there_is_said_to_be_missing(self, client: Client) -> None:
        with pytest.raises(NotFound, match="999999999"):
            client.job(999_999_999)
        with pytest.raises(NotFound, match="999999999"):
            client.sweep(999_999_999)

    def test_a_new_job_has_a_log_and_an_empty_manifest(self, client: Client) -> None:
        job = client.submit(any_diagnostic())
        assert all(event.id > 0 for event in job.logs())
        assert job.manifest().objects == ()

    def test_datasets_are_imported_once_and_listed(self, client: Client, tmp_path: Path) -> None:
        write_idx_folder(tmp_path)
        name = any_name()
        dataset = client.data.import_idx(name, tmp_path)
        assert (dataset.manifest.count("train"), dataset.manifest.count("test")) == (7, 3)
        assert (dataset.manifest.shape, dataset.manifest.labels) == ((4, 5), ("0", "1", "2"))
        assert client.data.import_idx(name, tmp_path) == dataset
        assert dataset in client.data.list()

    def test_pictures_and_texts_are_imported_too(self, client: Client, tmp_path: Path) -> None:
        celeba = client.data.import_celeba(any_name(), write_celeba(tmp_path / "celeba"), size=8)
        pets = client.data.import_folders(any_name(), write_picture_folders(tmp_path / "pets"), size=8)
        reviews = client.data.import_imdb(any_name(), write_imdb(tmp_path / "reviews"), length=4)
        assert {celeba.digest, pets.digest, reviews.digest} <= {dataset.digest for dataset in client.data.list()}
        assert isinstance(reviews.manifest, TextManifest)
        stored = reviews.manifest.tokenizer
        assert hashlib.sha256(client.data.tokenizer(stored)).hexdigest() == stored.sha256
        assert client.data.import_imdb(reviews.name, tmp_path / "reviews", length=4) == reviews

    def test_a_tokenizer_that_is_not_there(self, client: Client) -> None:
        stored = StoredTokenizer(sha256="f" * 64, size_bytes=1, vocabulary=2, library="none")
        with pytest.raises(NotFound, match="ffffffff"):
            client.data.tokenizer(stored)

    def test_tokens_are_made_listed_and_revoked(self, client: Client) -> None:
        token = client.tokens.create("contract", ("read",))
        assert token.token
        assert token.id in {known.id for known in client.tokens.list() if known.revoked_at is None}
        client.tokens.revoke(token.id)
        assert token.id not in {known.id for known in client.tokens.list() if known.revoked_at is None}
        with pytest.raises(NotFound):
            client.tokens.revoke(999_999_999)

    def test_the_status_names_the_parts(self, client: Client) -> None:
        status = client.status()
        assert status.bucket
        assert status.database
