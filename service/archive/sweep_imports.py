"""A sweep of another installation, over jobs that are here."""

import json

from sqlalchemy import Connection, text

from schemas.exports import Imported, SweepImport
from schemas.states import JobState
from service.errors import Missing
from service.queue.locks import lock_submissions
from service.queue.projects import make_project
from service.queue.sweeps.members import Member, add

# A sweep of which jobs were left out is none that an equal submission may find: it is there beside the latest.
_SAME = text("""
    select id from sweeps
    where digest = :digest
      and (latest or (:left_out > 0 and coalesce((imported ->> 'left_out')::bigint, 0) <= :left_out))
    order by latest desc, id desc limit 1 for no key update
""")
_DONE = text("select id from jobs where id = any(:jobs) and state = :done")
_INSERT = text("""
    insert into sweeps (
        digest, name, project, tags, spec, state, priority, jobs_total, submitted_by, submitted_at, finished_at,
        imported, latest, version
    )
    values (
        :digest, :name, :project, cast(:tags as text[]), cast(:spec as jsonb), 'done', :priority, :total, :by,
        :submitted_at, coalesce(:finished_at, clock_timestamp()),
        cast(:imported as jsonb) || jsonb_build_object('imported_at', clock_timestamp(), 'left_out', :left_out),
        :left_out = 0, :version
    )
    returning id
""")


def import_sweep(connection: Connection, asked: SweepImport, *, imported_by: str) -> Imported:
    """Store a sweep whose jobs were imported. The same sweep, if it is there, is left alone.

    One of which jobs were left out answers no submission of an equal sweep: that makes one with all jobs.

    Args:
        connection: In a transaction.
        asked: The sweep, with numbers of jobs of this installation.
        imported_by: Name of the token.

    Raises:
        Missing: a job of it is not there, or not done.
    """
    sweep = asked.sweep
    lock_submissions(connection)
    same = connection.execute(_SAME, {"digest": sweep.digest, "left_out": sweep.left_out}).scalar_one_or_none()
    if same is not None:
        return Imported(id=same, created=False)
    wanted = {member.job_id for member in sweep.jobs}
    lacking = wanted - set(connection.scalars(_DONE, {"jobs": sorted(wanted), "done": JobState.DONE.value}))
    if lacking:
        raise Missing(
            "unknown_job", f"job {min(lacking)} of sweep {sweep.id} of the export is not done here: import it first"
        )
    make_project(connection, sweep.project)
    sweep_id = int(
        connection.execute(
            _INSERT,
            {
                "digest": sweep.digest,
                "name": sweep.name,
                "project": sweep.project,
                "tags": list(sweep.tags),
                "spec": json.dumps(sweep.spec),
                "priority": sweep.priority,
                "total": len(sweep.jobs),
                "by": imported_by,
                "submitted_at": sweep.submitted_at,
                "finished_at": sweep.finished_at,
                "imported": asked.source.model_dump_json(),
                "left_out": sweep.left_out,
                "version": sweep.version,
            },
        ).scalar_one()
    )
    ordered = sorted(sweep.jobs, key=lambda member: member.position)
    add(connection, sweep_id, [Member(member.job_id, member.varied) for member in ordered])
    return Imported(id=sweep_id, created=True)
