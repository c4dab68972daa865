"""Writes an export: everything of the jobs asked for, several files at once, and the manifest last."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from threading import Event, Lock

from holonomy.connection import Connection
from holonomy.errors import Refused
from holonomy.export import contents
from holonomy.export.contents import JobContents, Tell, Wanted
from holonomy.export.download import Download, Stopped, disk_faults
from holonomy.export.folder import MANIFEST, provenance_of
from holonomy.transport import HttpTransport
from schemas.exports import ExportedJob, ExportManifest, table_path

AT_ONCE = 4
"""Files that are fetched at the same time."""
Report = Callable[[int, int], None]
"""Told after each piece: bytes that are there, bytes in all."""


def export(
    connection: Connection,
    folder: Path,
    *,
    jobs: Sequence[int] = (),
    sweeps: Sequence[int] = (),
    objects: bool = True,
    report: Report,
    tell: Tell,
) -> ExportManifest:
    """Write jobs and sweeps, with the training runs they stand on, into a folder.

    Interrupted in any way, the same call goes on where it stopped.

    Args:
        connection: To the service.
        folder: New, empty, or of the same export before.
        jobs: Numbers of done jobs.
        sweeps: Numbers of sweeps; their jobs that are not done are left out.
        objects: Whether to write arrays as well as tables.
        report: Told after each piece.
        tell: Told in words what is left out.

    Raises:
        Refused: a job is not done, nothing is asked for, or the folder holds something else.
        NotFound: there is no such job or sweep.
        DiskFull: there is no room; the same call goes on from there.
        BadFile: the folder cannot be written.
        Unreachable: the service stayed away; the same call goes on from there.
    """
    if not jobs and not sweeps:
        raise Refused("an export is of jobs or sweeps: name at least one")
    _check_folder(folder)
    exported = [contents.sweep(connection, number, tell) for number in sweeps]
    members = [member.job_id for sweep in exported for member in sweep.jobs]
    details = contents.with_parents(connection, [*jobs, *members])
    _check_jobs(folder, {detail.id for detail in details})
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda detail: contents.of_job(connection, detail, objects=objects), details))
    files = [wanted for one in found for wanted in one.files]
    _fetch(connection, folder, files, report)
    manifest = ExportManifest(
        exported_at=datetime.now(UTC),
        source=connection.transport.url if isinstance(connection.transport, HttpTransport) else "unknown",
        version=version("holonomy"),
        jobs=tuple(_with_provenance(one, folder) for one in found),
        sweeps=tuple(exported),
        files=tuple(wanted.file for wanted in files),
    )
    part = folder / f"{MANIFEST}.part"
    with disk_faults(folder / MANIFEST):
        part.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        part.replace(folder / MANIFEST)
    return manifest


def _check_folder(folder: Path) -> None:
    """Do not mix an export with other things."""
    known = {MANIFEST, f"{MANIFEST}.part", "tables", "objects"}
    if folder.is_dir():
        strange = sorted(path.name for path in folder.iterdir() if path.name not in known)
        if strange:
            raise Refused(f"{folder} holds {strange[0]!r}, which is of no export: name a new or empty folder")
    elif folder.exists():
        raise Refused(f"{folder} is not a folder: name a new or empty one")


def _check_jobs(folder: Path, jobs: Collection[int]) -> None:
    """Do not mix two exports: the manifest would name the files of one alone."""
    others = {
        int(number)
        for path in folder.glob("*/job_id=*")
        if (number := path.name.removeprefix("job_id=")).isdecimal() and int(number) not in jobs
    }
    if others:
        raise Refused(
            f"{folder} holds an export of other jobs, such as job {min(others)}: name a new or empty folder, "
            "or ask for those jobs as well"
        )


def _fetch(connection: Connection, folder: Path, files: Sequence[Wanted], report: Report) -> None:
    total, there, lock, stop = sum(one.file.size_bytes for one in files), 0, Lock(), Event()

    def more(count: int) -> None:
        nonlocal there
        with lock:
            there += count
            report(there, total)

    download = Download(connection, folder, more, stop)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = [pool.submit(download.fetch, one.file, one.address) for one in files]
        try:
            wait(started, return_when=FIRST_EXCEPTION)
        finally:
            # Whatever failed, or Ctrl-C: the others end at their next chunk, and keep what they have.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    _raise_first(started)


def _raise_first(futures: Sequence[Future[None]]) -> None:
    for future in futures:
        error = None if future.cancelled() else future.exception()
        if error is not None and not isinstance(error, Stopped):
            raise error


def _with_provenance(one: JobContents, folder: Path) -> ExportedJob:
    found = provenance_of(folder / table_path(one.job.id, "blocks"))
    return one.job.model_copy(update={"provenance": found})
