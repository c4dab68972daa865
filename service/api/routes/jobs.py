"""Jobs: submit, look at, cancel, retry."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from schemas.api import BlockPage, EventPage, Job, JobDetail, JobPage, Manifest, Submitted
from schemas.overview import Overview
from schemas.states import BlockState, JobState
from service.api import cursors
from service.api.backend import Services
from service.api.bodies import SubmissionBody
from service.api.identity import Reader, Submitter
from service.api.parameters import (
    LARGEST_NUMBER,
    Cursor,
    IdempotencyKey,
    Named,
    Number,
    OfProject,
    PageSize,
    Tagged,
)
from service.api.problems import documented
from service.queue import history, jobs
from service.queue.cancel import cancel
from service.queue.overview import overview
from service.queue.retry import retry
from service.queue.submit import submit

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Kind = Annotated[str | None, Query(max_length=50, description="Only jobs with this kind of spec.")]
JobIn = Annotated[JobState | None, Query(alias="state", description="Only jobs in this state.")]
BlockIn = Annotated[BlockState | None, Query(alias="state", description="Only blocks in this state.")]
After = Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="Only lines with a higher number.")]

_NO_JOB = documented("not_found", "invalid")


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": Submitted, "description": "The same spec, or key, had been submitted before."},
        **documented("not_found", "conflict", "invalid"),
    },
)
def submit_job(
    submission: SubmissionBody,
    response: Response,
    services: Services,
    who: Submitter,
    idempotency_key: IdempotencyKey = None,
) -> Submitted:
    """Submit a spec. Once this answers, the job is durable.

    The same spec submitted again is the same job, unless `fresh` is set.
    """
    with services.engine.begin() as connection:
        job_id, created = submit(
            connection,
            submission,
            submitted_by=who.name,
            idempotency_key=idempotency_key,
            version=services.version,
        )
        job = jobs.job(connection, job_id)
    response.status_code = 201 if created else 200
    return Submitted(job=job, created=created)


@router.get("", responses=documented("invalid"))
def list_jobs(
    services: Services,
    _: Reader,
    state: JobIn = None,
    kind: Kind = None,
    name: Named = None,
    project: OfProject = None,
    tag: Tagged = None,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> JobPage:
    """Jobs, newest first."""
    before = cursors.decode("jobs", cursor)
    with services.engine.connect() as connection:
        page = jobs.page(
            connection, state=state, kind=kind, name=name, project=project, tag=tag, cursor=before, limit=limit
        )
    return page.model_copy(update={"next": cursors.encode("jobs", page.next)})


@router.get("/{job_id}", responses=_NO_JOB)
def get_job(job_id: Number, services: Services, _: Reader) -> JobDetail:
    """A job with its spec."""
    with services.engine.connect() as connection:
        return jobs.detail(connection, job_id)


@router.get("/{job_id}/overview", responses=_NO_JOB)
def get_overview(job_id: Number, services: Services, _: Reader) -> Overview:
    """A job at a glance: what it found, what it took, with what it was computed."""
    with services.engine.connect() as connection:
        return overview(connection, job_id)


@router.post("/{job_id}/cancel", responses=_NO_JOB)
def cancel_job(job_id: Number, services: Services, _: Submitter) -> Job:
    """Cancel a job. What is queued stops at once, what runs is told to; a job that has ended stays as it is."""
    with services.engine.begin() as connection:
        cancel(connection, job_id)
        return jobs.job(connection, job_id)


@router.post("/{job_id}/retry", responses={**_NO_JOB, **documented("conflict")})
def retry_job(job_id: Number, services: Services, _: Submitter) -> Job:
    """Run a failed or cancelled job again from where it stopped."""
    with services.engine.begin() as connection:
        retry(connection, job_id)
        return jobs.job(connection, job_id)


@router.get("/{job_id}/blocks", responses=_NO_JOB)
def list_blocks(
    job_id: Number,
    services: Services,
    _: Reader,
    state: BlockIn = None,
    cursor: Cursor = None,
    limit: PageSize = 100,
) -> BlockPage:
    """Blocks of a job, in order."""
    after = cursors.decode("blocks", cursor)
    with services.engine.connect() as connection:
        page = history.blocks(connection, job_id, state=state, cursor=after, limit=limit)
    return page.model_copy(update={"next": cursors.encode("blocks", page.next)})


@router.get("/{job_id}/events", responses=_NO_JOB)
def list_events(job_id: Number, services: Services, _: Reader, after: After = 0, limit: PageSize = 200) -> EventPage:
    """The job's log, oldest first. `next` is the number to pass as `after`."""
    with services.engine.connect() as connection:
        return history.events(connection, job_id, after=after, limit=limit)


@router.get("/{job_id}/objects", responses=_NO_JOB)
def list_objects(job_id: Number, services: Services, _: Reader) -> Manifest:
    """The manifest: every object of the job, with its digest and what is in it."""
    with services.engine.connect() as connection:
        return history.manifest(connection, job_id)
