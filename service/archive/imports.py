"""A done job of another installation, stored as it was: rows, objects, blocks and log in one transaction."""

from collections.abc import (Iterable, Iterator, Mapping)
from sqlalchemy import (Connection, Engine, text)
from schemas.archives import (BLOCKS, EVENTS, ExportedJob, Imported, JobImport, RECORDS, StoredObject, tables_of, upload_key)
from schemas.brackets import (Brackets)
from schemas.canonical import (canonical_json, digest)
from schemas.exports import (ExportedJob, Imported, JobImport, upload_key)
from schemas.states import (JobState)
from service.archive import (files, loading)
from service.archive.records import (store_blocks, store_events, store_objects)
from service.archive.uploads import (TableUpload, check_uploads, fetched_tables)
from contextlib import (contextmanager)
from dataclasses import (dataclass)
from pathlib import (Path)
from typing import (Any)
from pydantic import (ValidationError)
from schemas.blocks import (BlockRecord, Need, payload)
from schemas.columns import (ResultTable)


import json
import tempfile


from service.errors import Conflict, Missing, Refused
from service.objects import ObjectStore
from service.queue.locks import lock_digests
from service.queue.making import latest, supersede
from service.queue.projects import make_project
from service.retention.naming import (hold_names)

_INSERT = text("""
    insert into jobs (
        digest, kind, name, spec, state, priority, project, tags, imported, submitted_by, submitted_at, started_at,
        finished_at, phase, phase_end, blocks_total, blocks_done, version
    )
    values (
        :digest, :kind, :name, cast(:spec as jsonb), 'done', :priority, :project, cast(:tags as text[]),
        cast(:imported as jsonb) || jsonb_build_object('imported_at', clock_timestamp()), :by, :submitted_at,
        :started_at, :finished_at, :phase, :total, :total, :total, :version
    )
    returning id
""")
_LINK = text("insert into job_parents (job_id, parent_id) select :job, unnest(cast(:parents as bigint[]))")
_PARENT = text("select digest, state from jobs where id = :job")
_BLOCKS = text("""
    insert into blocks (
        job_id, seq, phase, kind, payload, needs, state, device, attempts, runs, lost, waits, shrink, seconds,
        started_at, finished_at, leased_on, record
    )
    select :job, seq, phase, kind, payload, needs, 'done', device, attempts, runs, lost, waits, shrink, seconds,
           started_at, finished_at, leased_on, record
    from jsonb_to_recordset(cast(:rows as jsonb)) as row(
        seq integer, phase integer, kind text, payload jsonb, needs jsonb, device text, attempts integer,
        runs integer, lost integer, waits integer, shrink integer, seconds double precision,
        started_at timestamptz, finished_at timestamptz, leased_on text, record jsonb
""")
_EVENTS = text("""
    insert into events (job_id, block_id, at, level, message, data)
    select :job, b.id, row.at, row.level, row.message, row.data
        line bigint, at timestamptz, level text, seq integer, message text, data jsonb
    left join blocks b on b.job_id = :job and b.seq = row.seq
    order by row.line
_OBJECTS = text("""
    insert into objects (job_id, name, key, sha256, size_bytes, arrays, block_id, dropped_at)
    select :job, row.name, row.key, row.sha256, row.size_bytes, row.arrays, b.id,
           case when row.dropped then clock_timestamp() end
        name text, key text, sha256 text, size_bytes bigint, arrays jsonb, seq integer, dropped boolean
    join blocks b on b.job_id = :job and b.seq = row.seq
_PIECE = 1_000
"""Blocks or log lines of one statement."""


def import_job(engine: Engine, objects: ObjectStore, asked: JobImport, *, imported_by: str) -> Imported:
    """Store a job whose files are uploaded. A done job of the same spec is left alone.

    One that failed or was cancelled makes room, as for a fresh submission.

    Args:
        engine: The database.
        objects: The bucket.
        asked: The job, its parents here and its tables.
        imported_by: Name of the token.

    Raises:
        Refused: the spec does not have the digest given, a file is not what it should be, or rows do not fit.
        Missing: a file is not uploaded, or a parent is not there.
        Conflict: a job of the same spec has not ended here.
    """
    job = asked.job
    if digest(job.spec) != job.digest:
        raise Refused(
            "bad_digest",
            f"the spec of job {job.id} has digest {digest(job.spec)[:12]}… and not {job.digest[:12]}…: its manifest "
            "was changed, or comes from a version with other specs; export it again",
        )
    with engine.connect() as connection:
        if (there := _there(connection, job)) is not None:
            return Imported(id=there, created=False)
    check_uploads(objects, asked)
    with fetched_tables(objects, asked) as tables, engine.begin() as connection:
        # From here on nothing is collected; what was may be gone since it was looked for.
        hold_names(connection)
        check_uploads(objects, asked)
    _check_objects(objects, job)
    with _fetched(objects, asked) as paths, engine.begin() as connection:
        lock_digests(connection, [job.digest])
        # Another import may have stored it while the files were fetched.
        if (there := _there(connection, job)) is not None:
            return Imported(id=there, created=False)
        return Imported(id=_store(connection, asked, tables, imported_by), created=True)
        return Imported(id=_store(connection, asked, paths, imported_by), created=True)


def _there(connection: Connection, job: ExportedJob) -> int | None:
    """The done job of the same spec, if there is one."""
    same = latest(connection, [job.digest]).get(job.digest)
    if same is None or same.state in (JobState.FAILED, JobState.CANCELLED):
        return None
    if same.state != JobState.DONE:
        raise Conflict(
            "job_not_done",
            f"job {same.id} has the same spec as job {job.id} of the export, and is {same.state}: let it finish or "
            "cancel it, then import again",
        )
    return int(same.id)


def _store(connection: Connection, asked: JobImport, tables: Mapping[str, TableUpload], imported_by: str) -> int:
    job = asked.job
    _check_parents(connection, asked)
    total, phase = loading.rows_and_largest(BLOCKS, tables[BLOCKS.name].path, "phase")
def _check_objects(objects: ObjectStore, job: ExportedJob) -> None:
    for stored in job.objects:
        if stored.dropped:
            continue
        found = objects.head(upload_key(stored.sha256))
        if found is None or found.size_bytes != stored.size_bytes:
            raise Missing(
                "unknown_file",
                f"object {stored.name} of job {job.id} is not uploaded: PUT /v1/imports/files/{stored.sha256} first",
            )


@dataclass(frozen=True)
class _File:
    """A table's file on this machine."""

    table: ResultTable
    path: Path
    sha256: str


@contextmanager
def _fetched(objects: ObjectStore, asked: JobImport) -> Iterator[list[_File]]:
    """The files of all tables of the job's kind, with their digests checked."""
    tables = tables_of(asked.job.kind)
    lacking = [table.name for table in tables if table.name not in asked.tables]
    if lacking:
        raise Refused(
            "bad_import", f"job {asked.job.id} comes without its tables {', '.join(lacking)}: export it again"
        )
    with tempfile.TemporaryDirectory(prefix="holonomy-import-") as folder:
        found = []
        for table in tables:
            sha256 = asked.tables[table.name]
            path = Path(folder) / f"{table.name}.parquet"
            if objects.head(upload_key(sha256)) is None:
                raise Missing(
                    "unknown_file",
                    f"table {table.name} of job {asked.job.id} is not uploaded: PUT /v1/imports/files/{sha256} first",
                )
            with path.open("wb") as file:
                for chunk in objects.stream(upload_key(sha256), sha256):
                    file.write(chunk)
            found.append(_File(table, path, sha256))
        yield found


def _store(connection: Connection, asked: JobImport, found: list[_File], imported_by: str) -> int:
    paths = {file.table.name: file.path for file in found}
    blocks = [row for batch in loading.batches(BLOCKS, paths[BLOCKS.name]) for row in batch.to_pylist()]
    supersede(connection, [row.id for row in latest(connection, [job.digest]).values()])
    make_project(connection, job.project)
    job_id = int(
        connection.execute(
            _INSERT,
            {
                "digest": job.digest,
                "kind": job.kind,
                "name": job.name,
                "spec": canonical_json(job.spec).decode(),
                "priority": job.priority,
                "project": job.project,
                "tags": list(job.tags),
                "imported": asked.source.model_dump_json(),
                "by": imported_by,
                "submitted_at": job.submitted_at,
                "started_at": job.started_at,
                "finished_at": job.finished_at,
                "phase": phase,
                "total": total,
                "phase": max((row["phase"] for row in blocks), default=0),
                "total": len(blocks),
                "version": job.version,
            },
        ).scalar_one()
    )
    connection.execute(_LINK, {"job": job_id, "parents": sorted(asked.parents.values())})
    numbers = {**asked.parents, job.id: job_id}
    made_by = store_blocks(connection, job_id, loading.rows(BLOCKS, tables[BLOCKS.name].path), numbers)
    store_objects(connection, job_id, job.objects, made_by)
    store_events(connection, job_id, loading.rows(EVENTS, tables[EVENTS.name].path))
    for name, upload in tables.items():
        if upload.table not in RECORDS:
            rows = loading.load(connection, upload.table, job_id, upload.path)
            size = upload.path.stat().st_size
            kept = files.Written(job_id, name, upload_key(upload.sha256), upload.sha256, size, rows)
            files.name(connection, kept)
    made_by = _store_blocks(connection, job_id, blocks, asked)
    _store_objects(connection, job_id, job.objects, made_by)
    for batch in loading.batches(EVENTS, paths[EVENTS.name]):
        for piece in _pieces(_with_documents(row, "data") for row in batch.to_pylist()):
            connection.execute(_EVENTS, {"job": job_id, "rows": json.dumps(piece)})
    for file in found:
        if file.table in (BLOCKS, EVENTS):
            continue
        rows = loading.load(connection, file.table, job_id, file.path)
        size = file.path.stat().st_size
        files.name(
            connection, files.Written(job_id, file.table.name, upload_key(file.sha256), file.sha256, size, rows)
        )
    return job_id


def _check_parents(connection: Connection, asked: JobImport) -> None:
    """Every parent is here and done, and that of a bracket job is the run that its spec names."""
    if set(asked.parents) != set(asked.job.parents) or (isinstance(asked.job.spec, Brackets) and not asked.parents):
        raise Refused(
            "bad_import",
            f"job {asked.job.id} of the export has the parents {list(asked.job.parents)}, and came with "
            f"{sorted(asked.parents)}: name each, and no other",
        )
    for there, here in asked.parents.items():
        row = connection.execute(_PARENT, {"job": here}).one_or_none()
        if row is None or row.state != JobState.DONE:
            raise Missing(
                "unknown_parent",
                f"job {asked.job.id} of the export needs its job {there}, which should be job {here} here and is not "
                "done: import that first",
            )
        spec = asked.job.spec
        if isinstance(spec, Brackets) and row.digest != digest(spec.training):
            raise Refused(
                "bad_import",
                f"job {here} is not the training run of job {asked.job.id} of the export: export it again",
            )


def _store_blocks(
    connection: Connection, job_id: int, rows: list[dict[str, Any]], asked: JobImport
) -> dict[str, int]:
    """Insert the blocks; which of them made each object, by name."""
    numbers = {**asked.parents, asked.job.id: job_id}
    digests = {stored.name: stored.sha256 for stored in asked.job.objects}
    made_by: dict[str, int] = {}
    for piece in _pieces(_with_documents(row, "payload", "needs", "record") for row in rows):
        for row in piece:
            try:
                record = BlockRecord.model_validate(row["record"])
                payload.validate_python(row["payload"])
                needs = [Need.model_validate(need) for need in row["needs"]]
                row["needs"] = [_renumbered(need, numbers) for need in needs]
            except (ValidationError, KeyError) as error:
                raise Refused(
                    "bad_file",
                    f"block {row['seq']} of job {asked.job.id} cannot be read: {str(error).splitlines()[0]}",
                ) from None
            made_by |= {made.name: row["seq"] for made in record.objects}
            row["record"]["objects"] = [
                made.model_copy(update={"key": upload_key(digests.get(made.name, made.sha256))}).model_dump(
                    mode="json"
                )
                for made in record.objects
            ]
        connection.execute(_BLOCKS, {"job": job_id, "rows": json.dumps(piece)})
    return made_by


def _renumbered(need: Need, numbers: Mapping[int, int]) -> dict[str, Any]:
    return {**need.model_dump(mode="json"), "job_id": numbers[need.job_id]}


def _store_objects(
    connection: Connection, job_id: int, stored: Iterable[StoredObject], made_by: Mapping[str, int]
) -> None:
    rows = [
        {**one.model_dump(mode="json"), "key": upload_key(one.sha256), "seq": made_by.get(one.name)} for one in stored
    ]
    orphan = next((row for row in rows if row["seq"] is None), None)
    if orphan is not None:
        raise Refused("bad_import", f"no block made the object {orphan['name']}: export the job again")
    for piece in _pieces(rows):
        connection.execute(_OBJECTS, {"job": job_id, "rows": json.dumps(piece)})


def _with_documents(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The row with its JSON texts as values."""
    return row | {name: json.loads(row[name]) for name in names}


def _pieces(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    piece: list[dict[str, Any]] = []
    for row in rows:
        piece.append(row)
        if len(piece) == _PIECE:
            yield piece
            piece = []
    if piece:
        yield piece
