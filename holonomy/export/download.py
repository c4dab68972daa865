"""One file of an export from the service to the disk: in constant memory, going on where an earlier try broke off.

What is being fetched is called `….part` until its digest was right. A file that is there with its length and digest
is not fetched again.
"""

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import IO, Any

from holonomy.connection import Connection, Retries
from holonomy.errors import BadFile, DiskFull, ServiceFault, Unreachable
from schemas.exports import ExportedFile

CHUNK_BYTES = 2**20
_READ_SECONDS = 300.0
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Stopped(Exception):
    """Another file could not be fetched, and this one is not wanted any more."""


class Download:
    """Fetches files of one export; several at once from several threads.

    Args:
        connection: To the service.
        folder: The export's.
        report: Told how many more bytes are there.
        stop: Once set, downloads end at the next chunk.
        retries: How often a broken connection is made again without a byte gained.
    """

    def __init__(
        self,
        connection: Connection,
        folder: Path,
        report: Callable[[int], None],
        stop: Event,
        retries: Retries | None = None,
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._report = report
        self._stop = stop
        self._retries = Retries() if retries is None else retries

    def fetch(self, wanted: ExportedFile, address: str) -> None:
        """Bring a file to its place, unless it is there.

        Raises:
            DiskFull: there is no room; what came is kept.
            BadFile: the folder cannot be written.
            ServiceFault: other bytes came than were promised.
            Unreachable: the service stayed away; what came is kept.
            Stopped: another download failed.
        """
        target = self._folder / wanted.path
        part = target.with_name(f"{target.name}.part")
        with disk_faults(target):
            if is_whole(target, wanted):
                self._report(wanted.size_bytes)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("ab+") as file:
                digest = self._resumed(file, wanted)
                self._fetch_rest(file, digest, wanted, address)
            if digest.hexdigest() != wanted.sha256:
                part.unlink()
                raise ServiceFault(
                    f"{wanted.path} arrived damaged: expected sha256 {wanted.sha256}, came {digest.hexdigest()}; "
                    "run the same command again"
                )
            part.replace(target)

    def _resumed(self, file: IO[bytes], wanted: ExportedFile) -> Any:
        """The digest of what an earlier try left, with the file at its end."""
        digest = hashlib.sha256()
        file.seek(0)
        for chunk in chunks_of(file):
            digest.update(chunk)
        if file.tell() > wanted.size_bytes:
            file.truncate(0)
            file.seek(0)
            digest = hashlib.sha256()
        self._report(file.tell())
        return digest

    def _fetch_rest(self, file: IO[bytes], digest: Any, wanted: ExportedFile, address: str) -> None:
        failures = 0
        while file.tell() < wanted.size_bytes:
            before = file.tell()
            try:
                self._read(file, digest, wanted, address)
            except Unreachable as error:
                failures = 1 if file.tell() > before else failures + 1
                if failures >= self._retries.attempts or self._stop.is_set():
                    raise
                time.sleep(self._retries.pause_seconds(failures, error.retry_after_seconds))

    def _read(self, file: IO[bytes], digest: Any, wanted: ExportedFile, address: str) -> None:
        start = file.tell()
        headers = {"Range": f"bytes={start}-", "If-Range": f'"{wanted.sha256}"'}
        with self._connection.stream(address, headers=headers, read_seconds=_READ_SECONDS) as reply:
            if reply.headers.get("ETag") != f'"{wanted.sha256}"' or (start > 0 and reply.status != 206):
                raise ServiceFault(
                    f"{wanted.path} is another file on the service than a moment ago; run the same command again"
                )
            for chunk in reply.chunks():
                if self._stop.is_set():
                    raise Stopped
                file.write(chunk)
                digest.update(chunk)
                self._report(len(chunk))
        if file.tell() < wanted.size_bytes:
            raise Unreachable(
                f"the connection ended at byte {file.tell():,} of {wanted.size_bytes:,} of {wanted.path}"
            )


def is_whole(path: Path, wanted: ExportedFile) -> bool:
    """Whether a file is there with the length and the digest it should have."""
    try:
        return path.stat().st_size == wanted.size_bytes and digest_of(path) == wanted.sha256
    except FileNotFoundError:
        return False


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in chunks_of(file):
            digest.update(chunk)
    return digest.hexdigest()


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of a file in pieces."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turns what the disk refuses inside into an error that says what to do.

    Raises:
        DiskFull: there is no room left.
        BadFile: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(
                f"the disk is full at {path}: what is complete stays; make room, then run the same command again "
                "to go on"
            ) from None
        raise BadFile(f"cannot write {path}: {error.strerror or error}") from None
