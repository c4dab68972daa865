"""What the supervisor says about itself: `state.json`, replaced as a whole at every change."""

from datetime import datetime
from enum import StrEnum

import psutil
from pydantic import BaseModel, ConfigDict

from service.embedded.home import Home
from service.embedded.process import Identity
from service.embedded.secret_files import write_private
from service.embedded.server import StartError


class Phase(StrEnum):
    """Where a child stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


class ChildState(BaseModel):
    """A child of the supervisor."""

    model_config = ConfigDict(frozen=True)

    phase: Phase
    """Where it stands."""
    pid: int | None = None
    """Its process, when it has one."""
    started: float | None = None
    """Start time of that process, in seconds since 1970: tells it from a later one of the same number."""
    since: datetime
    """When it came into this phase."""
    failures: int = 0
    """Failed starts and unexpected ends since it last ran for a while."""
    error: str | None = None
    """The last of them."""
    log: str
    """Its log file."""

    def find(self) -> psutil.Process | None:
        """Its live process, if there is one."""
        return None if self.pid is None or self.started is None else Identity(self.pid, self.started).find()


class State(BaseModel):
    """The stack as its supervisor last saw it."""

    model_config = ConfigDict(frozen=True)

    supervisor: Identity
    """The process that wrote this."""
    url: str | None = None
    """Address of the API once everything was ready."""
    s3_endpoint: str
    """Address of the S3 server."""
    bucket: str
    """Bucket that holds the objects."""
    database: str
    """Address of the database, without its password."""
    ray_address: str
    """Address of the Ray head."""
    ports: dict[str, int]
    """Ports by server and role, kept over restarts where they are free."""
    children: dict[str, ChildState]
    """Children in the order in which they start."""

    @property
    def ready(self) -> bool:
        """Whether every child is."""
        return bool(self.children) and all(child.phase is Phase.READY for child in self.children.values())


def read_state(home: Home) -> State | None:
    """The last state written, None when there is none that this version can read.

    Raises:
        StartError: it belongs to somebody else, or cannot be read.
    """
    try:
        return State.model_validate_json(home.state.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except PermissionError:
        raise StartError(
            f"expected a state folder of this user, got {home.path} of another; choose one with HOLONOMY_HOME"
        ) from None
    except OSError as error:
        raise StartError(
            f"expected a readable state folder, got {home.path} ({error.strerror}); choose one with HOLONOMY_HOME"
        ) from None


def write_state(home: Home, state: State) -> None:
    """Replace the state in one step."""
    write_private(home.state, state.model_dump_json(indent=2))
