"""What the servers of the stack share: launch, readiness, a clear failure, an end that leaves nothing."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from service.embedded import process
from service.embedded.process import Identity


class StartError(Exception):
    """A server did not come up. The message holds the end of its log."""


class Server(ABC):
    """A child process with a name, a log and a test for readiness.

    `scope` names the stack that it belongs to (its folder); processes it leaves behind are found by scope and name.
    """

    name: str
    stop_signal = signal.SIGTERM
    stop_seconds = 5.0

    def __init__(self, *, scope: str, log: Path) -> None:
        self.log = log
        self.mark = f"{scope}:{self.name}"
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self._kill_at = 0.0

    @abstractmethod
    def launch(self) -> None:
        """Start the process without waiting for it to answer."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers; at most a few seconds of waiting."""

    def responsive(self) -> bool:
        """Whether one that was ready still answers; at most a few seconds of waiting."""
        return self.ready()

    @property
    def pid(self) -> int:
        """Number of the process.

        Raises:
            StartError: it was never started.
        """
        if self.process is None:
            raise StartError(f"{self.name} was not started")
        return self.process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def exit_code(self) -> int | None:
        """How the process ended: a negative number is the signal that ended it; None while it runs."""
        return self.process.poll() if self.process is not None else None

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Launch and wait until it answers; a process that ends meanwhile is launched again.

        Raises:
            StartError: it did not answer in time.
        """
        deadline = time.monotonic() + timeout_seconds
        self.launch()
        while not self.ready():
            if time.monotonic() > deadline:
                self.stop()
                raise StartError(
                    f"{self.name} did not answer within {timeout_seconds:g} s; its log ends:\n{self.tail()}"
                )
            if not self.alive():
                time.sleep(0.5)
                self.launch()
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process and everything it started; harmless when it has ended already."""
        self.begin_stop()
        while not self.stopped():
            time.sleep(0.02)

    def begin_stop(self) -> None:
        """Ask the process to end, without waiting for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        self._kill_at = time.monotonic() + self.stop_seconds

    def stopped(self) -> bool:
        """Whether a stop that was begun is through. A process that outlasts its time is killed."""
        if self.process is not None and self.process.poll() is None:
            if time.monotonic() < self._kill_at:
                return False
            self.process.kill()
            self.process.wait()
        self.sweep()
        return True

    def sweep(self) -> None:
        """End what an earlier process of this server left behind."""
        process.end(process.marked(self.mark), grace_seconds=2.0)

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return "(empty)"
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:]) or "(empty)"

    def spawned(self, child: subprocess.Popen[bytes]) -> None:
        """Remember the process that `launch` started."""
        self.process = child
        self.identity = process.identify(child.pid)
