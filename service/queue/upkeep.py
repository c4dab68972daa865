"""Housekeeping that a dispatcher does between claims."""

import traceback

import structlog
from psycopg2.errors import QueryCanceled
from sqlalchemy import Engine, exc

from schemas.blocks import BlockError
from schemas.states import JobState
from service.errors import Conflict
from service.queue.admission import plannable
from service.queue.events import Line, write
from service.queue.explain import explain
from service.queue.mending import NEEDS_OTHERS, InputsDropped, mend
from service.queue.planning import plan_job
from service.queue.settle import fail, lock

__all__ = ["explain", "plan_jobs"]

_logger = structlog.get_logger(__name__)


def plan_jobs(engine: Engine) -> int:
    """Plan the next queued jobs, each in a transaction of its own; how many left the queue.

    A job that cannot be planned fails with the reason; the others are planned. One that the database could not take
    in time is tried again the next time.

    Raises:
        sqlalchemy.exc.DBAPIError: the database failed.
    """
    with engine.connect() as connection:
        waiting = plannable(connection)
    planned = 0
    for job_id in waiting:
        try:
            with engine.begin() as connection:
                planned += plan_job(connection, job_id)
        except InputsDropped as found:
            planned += _mend(engine, job_id, found)
        except exc.DBAPIError as error:
            if not isinstance(error.orig, QueryCanceled):
                raise
            _logger.error("a job could not be planned within the statement timeout", job=job_id)
        except Exception as error:
            _logger.exception("a job could not be planned", job=job_id)
            message = f"the job could not be planned: {error}"
            failure = BlockError(kind="internal", message=message, traceback=traceback.format_exc())
            planned += _give_up(engine, job_id, failure)
    return planned


def _mend(engine: Engine, job_id: int, found: InputsDropped) -> bool:
    """Have parents run again for what a job needs; whether the job left the queue, for that cannot be done.

    In a transaction of its own, for the order of locks.
    """
    try:
        with engine.begin() as connection:
            # None where another dispatcher was faster.
            parents = ", ".join(map(str, mend(connection, found.names)))
            words = f"waits for job {parents}, whose dropped objects are computed again"
            write(connection, [Line(job_id, words)] if parents else [])
    except Conflict as error:
        if error.code == NEEDS_OTHERS:
            return _give_up(engine, job_id, BlockError(kind="user", message=error.detail))
        _logger.info("a parent cannot be mended yet", job=job_id, reason=str(error))
    return False


def _give_up(engine: Engine, job_id: int, failure: BlockError) -> bool:
    with engine.begin() as connection:
        job = lock(connection, [job_id])[job_id]
        if job.state is not JobState.QUEUED:
            return False
        fail(connection, job_id, failure)
        return True
