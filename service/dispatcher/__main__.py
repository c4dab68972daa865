"""`python -m service.dispatcher`: run a dispatcher until SIGTERM or SIGINT."""

import logging
import os
import signal
import sys
from types import FrameType

import ray
import structlog

from service.db.engine import connect
from service.dispatcher.dispatcher import Dispatcher
from service.dispatcher.logs import configure
from service.dispatcher.options import Options
from service.dispatcher.watch import EXIT_AGAIN, wait_for
from service.objects import store_settings
from service.settings import Settings
from workers.runtime.execution import WorkerSettings

_RAY_PATIENCE_SECONDS = 20.0
_USAGE = 2


def main() -> int:
    """Connect, run, end; the exit status: 0 stopped, 2 not configured, 75 to be started again."""
    configure()
    log = structlog.get_logger("dispatcher")
    settings = Settings()
    database_url = settings.database_url.get_secret_value() if settings.database_url else ""
    if not (database_url and settings.ray_address and settings.s3_bucket):
        log.error("set HOLONOMY_DATABASE_URL, HOLONOMY_RAY_ADDRESS and HOLONOMY_S3_BUCKET, or run `holonomy up`")
        return _USAGE
    # Joining a dead head takes Ray 81 s and ends the process without a message, so it is looked for first.
    if not wait_for(settings.ray_address, _RAY_PATIENCE_SECONDS):
        log.error("no Ray head answers", address=settings.ray_address, waited_seconds=_RAY_PATIENCE_SECONDS)
        return EXIT_AGAIN
    ray.init(address=settings.ray_address, namespace="holonomy", log_to_driver=False, logging_level=logging.WARNING)
    options = Options.from_settings(settings)
    engine = connect(
        database_url,
        application="holonomy dispatcher",
        statement_timeout_seconds=settings.statement_timeout_seconds,
    )
    dispatcher = Dispatcher(engine, WorkerSettings(store_settings(settings)), settings.ray_address, options)

    def stop(number: int, frame: FrameType | None) -> None:
        dispatcher.stop()

    # After Ray has been joined, for Ray sets a handler of its own.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return dispatcher.run()


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Not sys.exit: Ray's exit hooks would wait for a head that may be gone; its connection ends with the process.
    os._exit(status)
