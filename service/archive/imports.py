"""A done job of another installation, stored as it was: rows, objects, blocks and log in one transaction."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, text

from schemas.archives import BLOCKS, EVENTS, RECORDS
from schemas.brackets import Brackets
from schemas.canonical import canonical_json, digest
from schemas.exports import ExportedJob, Imported, JobImport, upload_key
from schemas.states import JobState
from schemas.targets import SavedDirection
from service.archive import files, loading
from service.archive.records import store_blocks, store_events, store_objects
from service.archive.uploads import TableUpload, check_uploads, fetched_tables
from service.errors import Conflict, Missing, Refused
from service.objects import ObjectStore
from service.queue.locks import lock_digests
from service.queue.making import latest, supersede
from service.queue.projects import make_project
from service.retention.naming import hold_names

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
    _check_directions(asked)
    check_uploads(objects, asked)
    with fetched_tables(objects, asked) as tables, engine.begin() as connection:
        # From here on nothing is collected; what was may be gone since it was looked for.
        hold_names(connection)
        check_uploads(objects, asked)
        lock_digests(connection, [job.digest])
        # Another import may have stored it while the files were fetched.
        if (there := _there(connection, job)) is not None:
            return Imported(id=there, created=False)
        return Imported(id=_store(connection, asked, tables, imported_by), created=True)


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
    return job_id


def _check_directions(asked: JobImport) -> None:
    """A spec that names a job by its number must mean the same job here: its digest answers submissions."""
    spec = asked.job.spec
    for target in spec.projections if isinstance(spec, Brackets) else ():
        if isinstance(target, SavedDirection) and asked.parents.get(target.job_id) != target.job_id:
            raise Refused(
                "bad_import",
                f"job {asked.job.id} of the export projects on `{target.object}` of job {target.job_id} there, "
                "and that number is of another job here or of none: import that job, and submit the projection here "
                "under the number it then has; without this job, the export can be made again and imported",
            )


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
