"""Jobs: submit, look at, cancel, retry."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from schemas.api import BlockPage, EventPage, Job, JobDetail, JobPage, Manifest, Submitted
from schemas.jobs import Submission
from schemas.states import BlockState, JobState
from service.api import cursors
from service.api.backend import Services
from service.api.identity import Reader, Submitter
from service.api.parameters import LARGEST_NUMBER, Cursor, Number, PageSize
from service.api.problems import ProblemError, documented
from service.queue import jobs
from service.queue.cancel import cancel
from service.queue.retry import retry
from service.queue.submit import submit

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A submission sent again with the same key gives the job of the first, even with `fresh`.",
    ),
]
Kind = Annotated[str | None, Query(max_length=50, description="Only jobs with this kind of spec.")]
Name = Annotated[str | None, Query(max_length=200, description="Only jobs with this name.")]
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
    submission: Submission,
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
    response.status_code = 201 if created else 200
    return Submitted(job=_job(services, job_id), created=created)


@router.get("", responses=documented("invalid"))
