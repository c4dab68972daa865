"""Servers of the stack that are Python programs of ours: the API, the dispatcher, and the preparation before them."""

import http.client
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from service.embedded import process
from service.embedded.server import Server


class Program(Server):
    """`python -m MODULE`, ready when `answers(pid)` says so, and not hung while `still_answers(pid)` does.

    `variables` are asked for at every launch.
    """

    def __init__(
        self,
        name: str,
        module: str,
        *,
        scope: str,
        log: Path,
        environment: Mapping[str, str],
        answers: Callable[[int], bool],
        still_answers: Callable[[int], bool] | None = None,
        variables: Callable[[], Mapping[str, str]] = dict,
        stop_seconds: float = 5.0,
    ) -> None:
        self.name = name
        super().__init__(scope=scope, log=log)
        self.module = module
        self.environment = dict(environment)
        self.answers = answers
        self.still_answers = still_answers or answers
        self.variables = variables
        self.stop_seconds = stop_seconds

    def launch(self) -> None:
        """Start it, after ending what an earlier run left."""
        self.sweep()
        command = [sys.executable, "-m", self.module]
        self.spawned(
            process.spawn(
                command,
                log=self.log,
                environment={**self.environment, **self.variables()},
                mark=self.mark,
                # Without a supervisor the servers are gone as well, and there is nobody to say goodbye to.
                death_signal=signal.SIGKILL,
            )
        )

    def ready(self) -> bool:
        """Whether it runs and answers."""
        return self.alive() and self.answers(self.pid)

    def responsive(self) -> bool:
        """Whether it runs and answers by itself, whatever has become of what it stands on."""
        return self.alive() and self.still_answers(self.pid)


class Once(Program):
    """A program that is done when it ends with code 0, and counts as alive from then on."""

    def alive(self) -> bool:
        """Whether it runs or has done its work."""
        return super().alive() or self._done()

    def ready(self) -> bool:
        """Whether it has done its work."""
        return self._done()

    def _done(self) -> bool:
        return self.process is not None and self.process.poll() == 0


def listens(pid: int, port: int) -> bool:
    """Whether process `pid` itself accepts connections at `port`: another program may have bound it first."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def healthy(port: int, path: str) -> bool:
    """Whether a GET on loopback answers 200 within a few seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
