"""`python -m service.embedded.supervisor FOLDER`: run the stack of a state folder until SIGTERM.

One for each folder, held by a lock. It starts everything, starts again what ends, and writes what it sees to
`state.json`. Its children die with it; what survives even that is ended by the next one.
"""

import fcntl
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from service.embedded import logs, process
from service.embedded.assembly import BUCKET, Stack, assemble
from service.embedded.children import step
from service.embedded.home import Home
from service.embedded.server import StartError
from service.embedded.state import Phase, State, read_state, write_state

LOCKED = 3
"""Exit code when another supervisor holds the folder."""
_TICK_SECONDS = 0.05
_LOCK_PATIENCE_SECONDS = 5.0
_LOG_CHECK_SECONDS = 10.0


class Supervisor:
    """The loop that keeps a stack running."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stopping = False
        previous = read_state(home)
        self._stack: Stack = assemble(home, previous.ports if previous else {})
        self._announced = False
        self._told = True

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Ask the loop to end (a signal handler)."""
        self._stopping = True

    def run(self) -> None:
        """Supervise until asked to stop; then end the children, last first."""
        self._tell()
        self._end_leftovers()
        next_log_check = time.monotonic()
        while not self._stopping:
            if step(self._stack.children) or not self._told:
                self._tell()
            if time.monotonic() > next_log_check:
                logs.bound(self._home.logs)
                next_log_check = time.monotonic() + _LOG_CHECK_SECONDS
            time.sleep(_TICK_SECONDS if not self._announced else 4 * _TICK_SECONDS)
        for child in reversed(self._stack.children):
            child.server.stop()
            child.enter(Phase.WAITING)
        self._announced = False
        self._tell()

    def _tell(self) -> None:
        """Write the state; without room for it, the servers are kept running all the same and it is written later."""
        try:
            self._write()
        except OSError as error:
            if self._told:
                sys.stderr.write(f"{self._home.state} cannot be written, trying again: {error}\n")
            self._told = False
        else:
            self._told = True

    def _end_leftovers(self) -> None:
        if process.marked(f"{self._home.path}:"):
            for child in reversed(self._stack.children):
                child.server.sweep()

    def _write(self) -> None:
        children = {child.server.name: child.state() for child in self._stack.children}
        self._announced |= all(child.phase is Phase.READY for child in children.values())
        write_state(
            self._home,
            State(
                supervisor=process.identify(psutil.Process().pid),
                # Only once everything is ready: whoever reads it may use it.
                url=self._stack.url if self._announced else None,
                s3_endpoint=self._stack.s3_endpoint,
                bucket=BUCKET,
                database=self._stack.database,
                ray_address=self._stack.ray_address,
                ports=self._stack.ports,
                children=children,
            ),
        )


def _lock(home: Home) -> IO[str] | None:
    """The held lock, None when another supervisor keeps it."""
    file = home.lock.open("a")
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                return None
            time.sleep(0.1)
        else:
            return file


def main(arguments: list[str]) -> int:
    """Run the stack of the folder named; `LOCKED` when it runs already."""
    home = Home(Path(arguments[0]))
    home.create()
    lock = _lock(home)
    if lock is None:
        return LOCKED
    with lock:
        try:
            supervisor = Supervisor(home)
        except (OSError, StartError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        signal.signal(signal.SIGTERM, supervisor.stop)
        signal.signal(signal.SIGINT, supervisor.stop)
        supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
