"""What a result was computed with: it is stored with every block."""

import hashlib
import platform
import socket
from functools import cache
from importlib import metadata
from pathlib import Path

import schemas
import workers
from workers import plugins


@cache
def code_version() -> str:
    """First 16 hexadecimal digits of the SHA-256 of the sources a block runs (`schemas` and `workers`).

    It is the same wherever the same files are installed, in a checkout or in an image without a version control
    system.
    """
    digest = hashlib.sha256()
    for package in (schemas, workers):
        for folder in package.__path__:
            for source in sorted(Path(folder).rglob("*.py")):
                digest.update(f"{package.__name__}/{source.relative_to(folder).as_posix()}\0".encode())
                digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions of the packages that decide the bits of a result, those of labs too; absent ones are left out.

    Imports none of them.
    """
    found = {"python": platform.python_version(), **plugins.installed()}
    for name in ("holonomy", "torch", "numpy", "scikit-learn", "safetensors", "ray"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def cpu_name() -> str:
    """The processor's name as the system reports it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def provenance(device: str, threads: int) -> dict[str, str | int | bool]:
    """Versions, device, threads, number format flags and host of this process.

    Args:
        device: name of the device, for example a processor's or a GPU's model name.
        threads: torch threads in use.
    """
    return {
        **versions(),
        "code": code_version(),
        "device": device,
        "threads": threads,
        "tf32": False,
        "deterministic": True,
        "host": socket.gethostname(),
    }
