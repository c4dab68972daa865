"""Progress of a job as a stream."""

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from schemas.api import Job
from service.api import progress
from service.api.backend import Backend, Services
from service.api.identity import Reader
from service.api.parameters import Number
from service.api.problems import documented
from service.queue import jobs

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_EVENTS = {
    "description": "Events `job`, each with a Job as its data; comments in between keep the connection open.",
    "content": {
        progress.MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "properties": {
                    "event": {"const": "job"},
                    "data": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "contentSchema": {"$ref": "#/components/schemas/Job"},
                    },
                },
                "required": ["event", "data"],
            }
        }
    },
}
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@router.get(
    "/{job_id}/progress",
    response_class=StreamingResponse,
    responses={200: _EVENTS, **documented("not_found", "invalid")},
)
async def watch_job(job_id: Number, services: Services, _: Reader) -> StreamingResponse:
    """Server-sent events: the job now, and whenever it changes, until it has reached a terminal state."""

    async def read() -> Job | None:
        try:
            return await _in_thread(services, job_id)
        except SQLAlchemyError:
            return None

    first = await _in_thread(services, job_id)
    return StreamingResponse(progress.events(first, read), media_type=progress.MEDIA_TYPE, headers=_HEADERS)


async def _in_thread(services: Backend, job_id: int) -> Job:
    def read() -> Job:
        with services.engine.connect() as connection:
            return jobs.job(connection, job_id)

    return await anyio.to_thread.run_sync(read, limiter=services.watchers)
