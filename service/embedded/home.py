"""The state folder of the embedded stack: where it is and what lies in it. The standard library is enough for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The state folder: HOLONOMY_HOME, else /var/lib/holonomy for root, else `holonomy` in the user's data folder."""
    variables = os.environ if environment is None else environment
    if variables.get("HOLONOMY_HOME"):
        return Path(variables["HOLONOMY_HOME"]).expanduser().resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/holonomy")
    data = variables.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "holonomy"


@dataclass(frozen=True)
class Home:
    """Paths below a state folder."""

    path: Path

    @property
    def state(self) -> Path:
        """What runs, written by the supervisor (mode 0600)."""
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor while it runs."""
        return self.path / "supervisor.lock"

    @property
    def logs(self) -> Path:
        """One log for each server."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """Passwords, keys and tokens, each in a file of mode 0600."""
        return self.path / "secrets"

    @property
    def api_token(self) -> Path:
        """Token of the stack's owner."""
        return self.secrets / "api.token"

    @property
    def reader_password(self) -> Path:
        """Password of the role that may only read results."""
        return self.secrets / "reader.password"

    def log(self, name: str) -> Path:
        """Log of a server."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the folders; the state folder can be traversed, not listed, by the account that Postgres runs as."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711)
        for folder in (self.logs, self.secrets):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
