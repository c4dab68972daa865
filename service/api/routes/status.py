"""What runs and what waits."""

from fastapi import APIRouter

from schemas.api import ServiceStatus
from service.api.backend import Backend, Services
from service.api.identity import Reader
from service.queue.status import status

router = APIRouter(prefix="/v1", tags=["status"])


@router.get("/status")
def get_status(services: Services, _: Reader) -> ServiceStatus:
    """Jobs and blocks by state, dispatchers, and the age of the oldest block that could run and does not."""
    return current(services)


def current(services: Backend) -> ServiceStatus:
    """The status, as of now."""
    with services.engine.connect() as connection:
        return status(
            connection,
            version=services.version,
            bucket=services.objects.settings.bucket,
            database=services.database,
        )
