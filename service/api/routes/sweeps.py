"""Sweeps: preview, submit, look at, cancel, retry."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from schemas.states import JobState, SweepState
from schemas.sweep_bodies import SubmittedSweep, SweepDetail, SweepJobPage, SweepPage, SweepPreview
from service.api import cursors
from service.api.backend import Services
from service.api.bodies import SweepBody
from service.api.identity import Reader, Submitter
from service.api.parameters import Cursor, IdempotencyKey, Named, Number, OfProject, PageSize, Tagged
from service.api.problems import documented
from service.queue.sweeps import read
from service.queue.sweeps.preview import preview_sweep
from service.queue.sweeps.stop import cancel_sweep, retry_sweep
from service.queue.sweeps.submit import submit_sweep

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])

SweepIn = Annotated[SweepState | None, Query(alias="state", description="Only sweeps in this state.")]
JobIn = Annotated[JobState | None, Query(alias="state", description="Only jobs in this state.")]

_NO_SWEEP = documented("not_found", "invalid")


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": SubmittedSweep, "description": "The same sweep, or key, had been submitted before."},
        **documented("not_found", "conflict", "invalid"),
    },
)
def submit(
    submission: SweepBody,
    response: Response,
    services: Services,
    who: Submitter,
    idempotency_key: IdempotencyKey = None,
) -> SubmittedSweep:
    """Submit a sweep. Once this answers, it and all its jobs are durable.

    Jobs whose specs were submitted before are found, not made again, unless `fresh` is set. Training runs that
    several jobs need are trained once.
    """
    with services.engine.begin() as connection:
        made = submit_sweep(
            connection,
            submission,
            submitted_by=who.name,
            version=services.version,
            idempotency_key=idempotency_key,
        )
        found = read.sweep(connection, made.sweep_id)
    response.status_code = 201 if made.created else 200
    return SubmittedSweep(sweep=found, created=made.created, jobs_created=made.jobs_created)


@router.post("/preview", responses=documented("not_found", "invalid"))
def preview(submission: SweepBody, services: Services, _: Reader) -> SweepPreview:
    """What submitting a sweep would do and cost: its jobs, what of them is there, what is left. Nothing is stored."""
    with services.engine.connect() as connection:
        return preview_sweep(connection, submission)


@router.get("", responses=documented("invalid"))
def list_sweeps(
    services: Services,
    _: Reader,
    state: SweepIn = None,
    name: Named = None,
    project: OfProject = None,
    tag: Tagged = None,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> SweepPage:
    """Sweeps, newest first."""
    before = cursors.decode("sweeps", cursor)
    with services.engine.connect() as connection:
        page = read.page(connection, state=state, name=name, project=project, tag=tag, cursor=before, limit=limit)
    return page.model_copy(update={"next": cursors.encode("sweeps", page.next)})


@router.get("/{sweep_id}", responses=_NO_SWEEP)
def get_sweep(sweep_id: Number, services: Services, _: Reader) -> SweepDetail:
    """A sweep with its spec, its progress, why jobs wait and why jobs failed."""
    with services.engine.connect() as connection:
        return read.detail(connection, sweep_id)


@router.get("/{sweep_id}/jobs", responses=_NO_SWEEP)
def list_sweep_jobs(
    sweep_id: Number,
    services: Services,
    _: Reader,
    state: JobIn = None,
    cursor: Cursor = None,
    limit: PageSize = 100,
) -> SweepJobPage:
    """Jobs of a sweep in order, with the fields that it varied."""
    after = cursors.decode("sweep_jobs", cursor)
    with services.engine.connect() as connection:
        page = read.jobs(connection, sweep_id, state=state, cursor=after, limit=limit)
    return page.model_copy(update={"next": cursors.encode("sweep_jobs", page.next)})


@router.post("/{sweep_id}/cancel", responses=_NO_SWEEP)
def cancel(sweep_id: Number, services: Services, _: Submitter) -> SweepDetail:
    """Cancel what a sweep made and has not finished. What others want as well goes on."""
    with services.engine.begin() as connection:
        cancel_sweep(connection, sweep_id)
        return read.detail(connection, sweep_id)


@router.post("/{sweep_id}/retry", responses=_NO_SWEEP)
def retry(sweep_id: Number, services: Services, _: Submitter) -> SweepDetail:
    """Run the failed and cancelled jobs of a sweep again from where they stopped."""
    with services.engine.begin() as connection:
        retry_sweep(connection, sweep_id)
        return read.detail(connection, sweep_id)
