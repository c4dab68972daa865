"""`python -m service.api`: serve the API on the host and port of the settings."""

import sys

import uvicorn
from pydantic import ValidationError

from service.api import logs
from service.api.app import app
from service.settings import Settings

KEEP_ALIVE_SECONDS = 30
SHUTDOWN_SECONDS = 3


def main() -> int:
    """Serve until told to stop; 2 when the settings do not say what is needed."""
    try:
        settings = Settings()
        application = app(settings)
    except ValidationError as error:
        lines = (f"HOLONOMY_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        sys.stderr.write("; ".join(lines) + "\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure()
    uvicorn.run(
        application,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # Watchers of progress would otherwise keep the process alive for as long as they watch.
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
