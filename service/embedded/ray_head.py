"""A private Ray node: head, scheduler and object store of one machine, with a token, ended by process number."""

import os
import shutil
import signal
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

_FORBIDDEN = ("HOLONOMY_DATABASE_URL", "HOLONOMY_TOKEN", "RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_NAMESPACE")


class RayHead(Server):
    """A Ray head started by `ray start --block`, so that raylet, GCS and workers end with one process.

    `environment` reaches every worker: the object store's address, never the database's.
    """

    name = "ray"

    def __init__(
        self,
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
        self.extra = dict(environment)
        self.folder: Path | None = None
        kept_secret(token)

    @property
    def address(self) -> str:
        """What a driver passes to `ray.init(address=...)`."""
        return f"127.0.0.1:{self.ports['gcs']}"

    @property
    def client_environment(self) -> dict[str, str]:
        """The variables a driver needs: how to authenticate, and what Ray is to leave alone."""
        return {
            "HOLONOMY_RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def launch(self) -> None:
        """Start Ray with a temporary folder of its own."""
        self._forget_folder()
        # Short, because Ray puts unix sockets below it, whose paths end at 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="hray-", dir="/tmp"))  # noqa: S108
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
            *("--node-ip-address=127.0.0.1", f"--port={self.ports['gcs']}", f"--temp-dir={self.folder}"),
            *(
                f"--node-manager-port={self.ports['node_manager']}",
                f"--object-manager-port={self.ports['object_manager']}",
            ),
            # Without its pages Ray still starts the dashboard's process, at a fixed port unless told otherwise.
            *("--include-dashboard=false", f"--dashboard-port={self.ports['dashboard']}"),
            *("--include-log-monitor=false", "--no-monitor"),
            f"--object-store-memory={OBJECT_STORE_BYTES}",
            *([f"--num-cpus={self.cpus}"] if self.cpus else []),
        ]
        inherited = {name: value for name, value in os.environ.items() if name not in _FORBIDDEN}
        environment = {
            **inherited,
            **self.extra,
            **self.client_environment,
            "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
        }
        self.spawned(
            process.spawn(command, log=self.log, environment=environment, mark=self.mark, death_signal=signal.SIGTERM)
        )

    def ready(self) -> bool:
        """Whether the control store and the scheduler accept connections."""
        return answers(self.ports["gcs"]) and answers(self.ports["node_manager"])

    def stop(self) -> None:
        """End Ray and remove its temporary folder."""
        super().stop()
        self._forget_folder()

    def _forget_folder(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
