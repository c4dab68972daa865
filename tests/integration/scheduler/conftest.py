import io
from collections.abc import Iterator

import pytest
import structlog

from tests.support.clockwork import Clockwork
from tests.support.dispatching import Queue


@pytest.fixture
def clockwork(queue: Queue) -> Iterator[Clockwork]:
    """Schedules on a fresh database, without log lines between the test runner's dots."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    yield Clockwork(queue)
    structlog.reset_defaults()
