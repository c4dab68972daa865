"""Brings an export into another installation: checks everything, uploads what is missing, then stores job by job."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from holonomy.connection import Connection
from holonomy.errors import BadFile
from holonomy.export.folder import check_files, read_manifest
from schemas.exports import (
    Digests,
    ExportedFile,
    ExportedSweep,
    ExportManifest,
    Imported,
    ImportSource,
    JobImport,
    SweepImport,
)

AT_ONCE = 2
_UPLOAD_SECONDS = 24 * 3600.0
_STORE_SECONDS = 24 * 3600.0
_ASKED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Arrival:
    """A job or sweep of an export, and what became of it."""

    number_there: int
    """Number where it comes from."""
    number: int
    """Number here."""
    created: bool
    """False when it was here already, and was left alone."""


@dataclass(frozen=True)
class Report:
    """What an import did."""

    jobs: tuple[Arrival, ...]
    """Jobs, parents before what needs them."""
    sweeps: tuple[Arrival, ...]
    """Sweeps."""


def import_export(
    connection: Connection,
    folder: Path,
    *,
    checking: Callable[[int, int], None],
    sending: Callable[[int, int], None],
) -> Report:
    """Store an export in the service. Nothing is sent before every digest was right.

    Interrupted in any way, the same call goes on: files and jobs that are there are left alone.

    Args:
        connection: To the service, with a token of scope `admin`.
        folder: Of the export.
        checking: Told how many bytes of all were checked.
        sending: Told how many bytes of all are there.

    Raises:
        BadFile: a file is missing, or is not what the manifest says.
        Unauthorized: the token lacks the scope.
        Refused: the service does not take a job; those before it stay.
        Unreachable: the service stayed away; the same call goes on from there.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest, checking)
    _upload(connection, folder, manifest.files, sending)
    jobs = _jobs(connection, manifest)
    numbers = {one.number_there: one.number for one in jobs}
    sweeps = [_sweep(connection, manifest, sweep, numbers) for sweep in manifest.sweeps]
    return Report(tuple(jobs), tuple(sweeps))


def _upload(
    connection: Connection, folder: Path, files: Sequence[ExportedFile], sending: Callable[[int, int], None]
) -> None:
    """Send the files that the service has not, each content once."""
    distinct = {file.sha256: file for file in files}
    missing = _missing(connection, list(distinct))
    total, lock = sum(file.size_bytes for file in distinct.values()), Lock()
    done = total - sum(distinct[sha256].size_bytes for sha256 in missing)
    sending(done, total)

    def send(file: ExportedFile) -> None:
        nonlocal done
        path = folder / file.path
        try:
            connection.put(f"/v1/imports/files/{file.sha256}", path, read_seconds=_UPLOAD_SECONDS)
        except OSError as error:
            raise BadFile(f"{path} cannot be read: {error.strerror or error}; run the same command again") from None
        with lock:
            done += file.size_bytes
            sending(done, total)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(send, distinct[sha256]) for sha256 in missing]
        try:
            for future in futures:
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _missing(connection: Connection, digests: Sequence[str]) -> list[str]:
    missing = list[str]()
    for start in range(0, len(digests), _ASKED_AT_ONCE):
        asked = Digests(sha256s=tuple(digests[start : start + _ASKED_AT_ONCE]))
        missing += connection.post("/v1/imports/missing", Digests, asked, repeatable=True, read_seconds=300.0).sha256s
    return missing


def _jobs(connection: Connection, manifest: ExportManifest) -> list[Arrival]:
    tables: dict[int, dict[str, str]] = {job.id: {} for job in manifest.jobs}
    for file in manifest.files:
        if file.what == "table":
            tables[file.job_id][file.name] = file.sha256
    numbers = dict[int, int]()
    arrivals = list[Arrival]()
    for job in manifest.jobs:
        request = JobImport(
            source=_source(manifest, job.id),
            job=job,
            parents={parent: numbers[parent] for parent in job.parents},
            tables=tables[job.id],
        )
        # The service finds a job that it has stored: sending this again is harmless.
        answer = connection.post("/v1/imports/jobs", Imported, request, repeatable=True, read_seconds=_STORE_SECONDS)
        numbers[job.id] = answer.id
        arrivals.append(Arrival(job.id, answer.id, answer.created))
    return arrivals


def _sweep(
    connection: Connection, manifest: ExportManifest, sweep: ExportedSweep, numbers: dict[int, int]
) -> Arrival:
    here = tuple(member.model_copy(update={"job_id": numbers[member.job_id]}) for member in sweep.jobs)
    request = SweepImport(source=_source(manifest, sweep.id), sweep=sweep.model_copy(update={"jobs": here}))
    answer = connection.post("/v1/imports/sweeps", Imported, request, repeatable=True, read_seconds=300.0)
    return Arrival(sweep.id, answer.id, answer.created)


def _source(manifest: ExportManifest, number: int) -> ImportSource:
    return ImportSource(
        source=manifest.source, version=manifest.version, exported_at=manifest.exported_at, number=number
    )
