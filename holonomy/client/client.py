"""The client: a connection to a service, and all that can be asked of it."""

from types import TracebackType
from typing import Self

from holonomy.client.asking import Asking
from holonomy.client.exchanging import Exchanging
from holonomy.client.submitting import Submitting
from holonomy.connection import Connection
from holonomy.datasets import Datasets
from holonomy.projects import Projects
from holonomy.schedules import Schedules
from holonomy.tokens import Tokens
from holonomy.transport import HttpTransport, Transport
from schemas.api import ServiceStatus


class Client(Submitting, Asking, Exchanging):
    """A connection to a Holonomy service.

    Without arguments: the service named by HOLONOMY_URL and HOLONOMY_TOKEN, else the embedded stack of this machine,
    which is started if it is not running.

    Example:
        >>> job = Client().submit(Brackets(training=Training(steps=100, checkpoints=(0,)), examples=range(8)))
        >>> job.wait().pairs(step=0, limit=3)

    Args:
        url: Address of the service, `http://HOST:PORT`.
        token: Token for it.
        transport: Sends the calls in place of HTTP; for tests and gateways.

    Raises:
        Unconfigured: there is no address, and the embedded stack is not installed or does not start.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: Transport | None = None
    ) -> None:
        self._transport = _connected(url, token) if transport is None else transport
        super().__init__(Connection(self._transport))
        self.data = Datasets(self._connection)
        """Datasets that specs can name."""
        self.projects = Projects(self._connection)
        """Limits on what of a project runs at once."""
        self.tokens = Tokens(self._connection)
        """Who may do what; needs the scope `admin`."""
        self.schedules = Schedules(self._connection)
        """What the service fires at cron instants."""

    def status(self) -> ServiceStatus:
        """What runs and what waits on the service."""
        return self._connection.get("/v1/status", ServiceStatus)

    def close(self) -> None:
        """Close the kept connections; jobs go on."""
        if isinstance(self._transport, HttpTransport):
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connected(url: str | None, token: str | None) -> HttpTransport:
    from holonomy.address import connect  # reading settings costs a fifth of the import time

    return connect(url, token)
