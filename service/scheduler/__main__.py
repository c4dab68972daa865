"""`python -m service.scheduler`: fire schedules until SIGTERM or SIGINT."""

import os
import signal
import sys
from importlib.metadata import version
from types import FrameType

import structlog

from service.db.engine import connect
from service.dispatcher.logs import configure
from service.scheduler.loop import Loop
from service.scheduler.presence import application_of
from service.scheduler.queue import queue_of
from service.settings import Settings

_USAGE = 2


def main() -> int:
    """Connect, run, end; the exit status: 0 stopped, 2 not configured."""
    configure()
    settings = Settings()
    if settings.database_url is None:
        structlog.get_logger("scheduler").error("set HOLONOMY_DATABASE_URL, or run `holonomy up`")
        return _USAGE
    engine = connect(
        settings.database_url.get_secret_value(),
        application=application_of(os.getpid()),
        pool_size=2,
        statement_timeout_seconds=settings.statement_timeout_seconds,
    )
    loop = Loop(engine, queue_of(version("holonomy")))

    def stop(number: int, frame: FrameType | None) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    loop.run()
    engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
