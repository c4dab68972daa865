"""Files of an export that were uploaded for a job: all there, and those of tables fetched to this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.archives import tables_of
from schemas.columns import ResultTable
from schemas.exports import JobImport, upload_key
from service.archive.scratch import scratch_folder
from service.errors import Missing, Refused
from service.objects import ObjectStore


@dataclass(frozen=True)
class TableUpload:
    """A table's file on this machine, with its digest checked."""

    table: ResultTable
    path: Path
    sha256: str


def check_uploads(objects: ObjectStore, asked: JobImport) -> None:
    """Return when every file that the job will name is in the bucket.

    Raises:
        Missing: one is not.
        Refused: a table of the job's kind is not named, or an object has another length than the job says.
    """
    lacking = [table.name for table in tables_of(asked.job.kind) if table.name not in asked.tables]
    if lacking:
        raise Refused(
            "bad_import", f"job {asked.job.id} comes without its tables {', '.join(lacking)}: export it again"
        )
    there = {f"object {one.name}": (one.sha256, one.size_bytes) for one in asked.job.objects if not one.absent}
    wanted = there | {f"table {name}": (sha256, None) for name, sha256 in asked.tables.items()}
    for what, (sha256, size_bytes) in wanted.items():
        found = objects.head(upload_key(sha256))
        if found is None:
            raise Missing(
                "unknown_file",
                f"{what} of job {asked.job.id} is not uploaded: PUT /v1/imports/files/{sha256} first",
            )
        if size_bytes not in (None, found.size_bytes):
            raise Refused(
                "bad_import",
                f"{what} of job {asked.job.id} should have {size_bytes:,} bytes, and its file has "
                f"{found.size_bytes:,}: export it again",
            )


@contextmanager
def fetched_tables(objects: ObjectStore, asked: JobImport) -> Iterator[dict[str, TableUpload]]:
    """The files of all tables of the job's kind by name, as long as the context lasts.

    Raises:
        Unavailable: the object store is away, or the disk is full.
    """
    with scratch_folder() as folder:
        found = {}
        for table in tables_of(asked.job.kind):
            sha256, path = asked.tables[table.name], folder / f"{table.name}.parquet"
            with path.open("wb") as file:
                for chunk in objects.stream(upload_key(sha256), sha256):
                    file.write(chunk)
            found[table.name] = TableUpload(table, path, sha256)
        yield found
