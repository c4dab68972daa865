"""Starting, naming and ending child processes without ever touching a process that is not ours."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "HOLONOMY_SUPERVISED"
"""Environment variable by which descendants of a server are recognised after their parents are gone."""

_LEASH = Path(__file__).with_name("leash.py")
_SAME_START_SECONDS = 1.0


@dataclass(frozen=True)
class Account:
    """The user and group that a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Identity:
    """A process by number and start time: a recycled number is another process."""

    pid: int
    started: float

    def find(self) -> psutil.Process | None:
        """The live process, or None when it has ended (a zombie has)."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > _SAME_START_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None


def identify(pid: int) -> Identity:
    """The identity of a live process.

    Raises:
        psutil.NoSuchProcess: it has ended and was waited for.
    """
    return Identity(pid, psutil.Process(pid).create_time())


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    mark: str,
    folder: Path | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when the calling thread's process dies.

    Call it from a thread that lives as long as the child should: Linux ties the child to the thread that started it.

    Args:
        command: absolute path of a program and its arguments.
        log: where its output is appended.
        environment: its whole environment, to which the mark is added.
        mark: names the server that it belongs to, see `marked`.
        folder: its working directory.
        account: the account that it runs as; None keeps the caller's.
        death_signal: what it gets when this process dies.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(death_signal)), str(uid), str(gid)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*leash, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environment, MARK: mark},
            start_new_session=True,
        )


def marked(prefix: str) -> list[psutil.Process]:
    """Live processes whose mark starts with `prefix`, as far as this account may look."""
    found = []
    for process in psutil.process_iter():
        # Processes end while we look, and other accounts' environments are closed to us.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(prefix) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def holding_files_in(folder: Path) -> list[psutil.Process]:
    """Live processes that have a file open below `folder`, as far as this account may look."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if any(Path(opened.path).is_relative_to(folder) for opened in process.open_files()):
                found.append(process)
    return found


def end(
    processes: Iterable[psutil.Process], *, first: signal.Signals = signal.SIGTERM, grace_seconds: float = 5.0
) -> None:
    """Ask processes to end, wait up to `grace_seconds`, kill the rest and wait until all are gone."""
    remaining = list(processes)
    for sent, patience in ((first, grace_seconds), (signal.SIGKILL, 5.0)):
        for process in remaining:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(sent)
        deadline = time.monotonic() + patience
        while remaining and time.monotonic() < deadline:
            remaining = [process for process in remaining if _alive(process)]
            if remaining:
                time.sleep(0.02)
        if not remaining:
            return


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
