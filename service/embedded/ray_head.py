"""A private Ray node: head, scheduler and object store of one machine, with a token, on loopback."""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from service.embedded import process
from service.embedded.ports import answers
from service.embedded.secret_files import kept_secret
from service.embedded.server import Server

OBJECT_STORE_BYTES = 512 * 2**20
ROLES = ("gcs", "node_manager", "object_manager", "dashboard")

_LINK = "temporary"
_EVERYWHERE = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Makes Ray listen on loopback alone; otherwise each of its processes listens on all interfaces.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
_NODE = {
    # A block that is cut short runs again, so that nothing is gained by draining.
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    # /dev/shm may be smaller than the object store.
    "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
    "RAY_ROTATION_MAX_BYTES": str(16 * 2**20),
    "RAY_ROTATION_BACKUP_COUNT": "1",
}
_WITHHELD = ("HOLONOMY_DATABASE_URL", "HOLONOMY_TOKEN", "RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_NAMESPACE")


class RayHead(Server):
    """A Ray head started by `ray start --block`, so that raylet, GCS and workers end with one process.

    `environment` reaches every worker: the object store's address, never the database's.
    """

    name = "ray"

    def __init__(
        self,
        folder: Path,
        ports: Mapping[str, int],
        token: Path,
        *,
        scope: str,
        log: Path,
        environment: Mapping[str, str],
        cpus: int | None = None,
    ) -> None:
        super().__init__(scope=scope, log=log)
        self.ports = ports
        self.token = token
        self.cpus = cpus
        self.environment = {name: value for name, value in environment.items() if name not in _WITHHELD}
        folder.mkdir(parents=True, exist_ok=True)
        # Ray's files are elsewhere, see `launch`; this names them for whoever cleans up after a kill.
        self.link = folder / _LINK
        kept_secret(token)

    @property
    def address(self) -> str:
        """What a driver passes to `ray.init(address=...)`."""
        return f"127.0.0.1:{self.ports['gcs']}"

    @property
    def client_environment(self) -> dict[str, str]:
        """The variables that a driver's process needs."""
        return driver_environment(self.address, self.token)

    def launch(self) -> None:
        """Start Ray with a temporary folder of its own, after ending what an earlier run left."""
        self.sweep()
        # Short, because Ray puts unix sockets below it, whose paths end at 107 characters. One folder within another,
        # because Ray opens its own to everybody.
        private = Path(tempfile.mkdtemp(prefix="hray-", dir="/tmp"))
        self.link.symlink_to(private)
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
            *("--node-ip-address=127.0.0.1", f"--port={self.ports['gcs']}", f"--temp-dir={private / 'r'}"),
            f"--node-manager-port={self.ports['node_manager']}",
            f"--object-manager-port={self.ports['object_manager']}",
            *("--include-dashboard=false", f"--dashboard-port={self.ports['dashboard']}"),
            *("--include-log-monitor=false", "--no-monitor"),
            f"--object-store-memory={OBJECT_STORE_BYTES}",
            *([f"--num-cpus={self.cpus}"] if self.cpus else []),
        ]
        environment = {**self.environment, **self.client_environment, **_NODE}
        self.spawned(process.spawn(command, log=self.log, environment=environment, mark=self.mark))

    def ready(self) -> bool:
        """Whether the control store and the scheduler accept connections."""
        return answers(self.ports["gcs"]) and answers(self.ports["node_manager"])

    def sweep(self) -> None:
        """End what is left of this node and remove its files."""
        super().sweep()
        clear(self.link.parent)


def driver_environment(address: str, token: Path) -> dict[str, str]:
    """The variables with which a driver joins the node at `address`."""
    return {"HOLONOMY_RAY_ADDRESS": address, "RAY_AUTH_TOKEN_PATH": str(token), **_EVERYWHERE}


def clear(folder: Path) -> bool:
    """End what uses the temporary files of the node kept in `folder`, and remove them; whether there were any."""
    link = folder / _LINK
    if not link.is_symlink():
        return False
    temporary = link.readlink()
    # Ray's agents overwrite their mark with their title, but keep logs open in this private folder.
    process.end(process.holding_files_in(temporary), grace_seconds=2.0)
    shutil.rmtree(temporary, ignore_errors=True)
    link.unlink()
    return True
