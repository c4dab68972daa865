"""Whether the parts that the service stands on answer, within a bound on time."""

from collections.abc import Callable

import anyio
import anyio.to_thread
import structlog
from sqlalchemy import text

from service.api.backend import Backend
from service.api.problems import one_line

CHECK_SECONDS = 3.0

log = structlog.get_logger("holonomy.api")


async def away(backend: Backend) -> dict[str, str]:
    """The parts that do not answer, with the reason; empty when all do. Takes `CHECK_SECONDS` at most."""
    found: dict[str, str] = {}
    # Its own threads: a hanging database must not be able to take those that would report it.
    limiter = anyio.CapacityLimiter(2)

    async def check(part: str, probe: Callable[[], None]) -> None:
        found[part] = f"no answer within {CHECK_SECONDS:g} s"
        with anyio.move_on_after(CHECK_SECONDS):
            try:
                await anyio.to_thread.run_sync(probe, abandon_on_cancel=True, limiter=limiter)
            except Exception as error:
                # Anybody may ask, so hosts and ports stay in the log.
                log.warning("a part is away", part=part, reason=one_line(str(error)))
                found[part] = f"it does not answer ({type(error).__name__})"
            else:
                del found[part]

    async with anyio.create_task_group() as group:
        group.start_soon(check, "database", lambda: _round_trip(backend))
        group.start_soon(check, "bucket", backend.objects.check)
    return found


def _round_trip(backend: Backend) -> None:
    with backend.engine.connect() as connection:
        connection.execute(text("select 1"))
