"""One file, over connections that break and give other bytes than were promised."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from holonomy.connection import Connection, Retries
from holonomy.errors import BadFile, DiskFull, ServiceFault, Unreachable
from holonomy.export.download import Download, Stopped, disk_faults
from holonomy.transport import Call
from schemas.exports import ExportedFile

CONTENT = bytes(range(256)) * 40
SHA = hashlib.sha256(CONTENT).hexdigest()
WANTED = ExportedFile(path="a/b", sha256=SHA, size_bytes=len(CONTENT), job_id=1, what="object", name="b")


class Served:
    """Answers with a range of some bytes; breaks off after `most` of them."""

    def __init__(self, content: bytes = CONTENT, most: int = 10**9, etag: str = SHA, ranges: bool = True) -> None:
        self.content, self.most, self.etag, self.ranges = content, most, etag, ranges
        self.starts = list[int]()

    @contextmanager
    def send(self, call: Call) -> Iterator["_Answer"]:
        start = int(call.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.starts.append(start)
        start = start if self.ranges else 0
        status = 206 if self.ranges else 200
        yield _Answer(status, {"ETag": f'"{self.etag}"'}, self.content[start:], self.most)


class _Answer:
    def __init__(self, status: int, headers: dict[str, str], content: bytes, most: int) -> None:
        self.status, self.headers, self._content, self._most = status, headers, content, most

    def chunks(self) -> Iterator[bytes]:
        yield self._content[: self._most]
        if len(self._content) > self._most:
            raise Unreachable("the connection broke")


def fetch(folder: Path, served: Served, stop: Event | None = None) -> list[int]:
    reported = list[int]()
    retries = Retries(attempts=3, first_seconds=0.0)
    download = Download(Connection(served), folder, reported.append, stop or Event(), retries)
    download.fetch(WANTED, "/v1/there")
    return reported


def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    served = Served()
    assert sum(fetch(tmp_path, served)) == len(CONTENT)
    assert sum(fetch(tmp_path, served)) == len(CONTENT)
    assert (tmp_path / "a/b").read_bytes() == CONTENT
    assert served.starts == [0]


def test_a_broken_connection_goes_on_from_the_last_byte(tmp_path: Path) -> None:
    served = Served(most=4_000)
    assert sum(fetch(tmp_path, served)) == len(CONTENT)
    assert served.starts == [0, 4_000, 8_000]


def test_a_part_of_an_earlier_try_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.part").write_bytes(CONTENT[:100])
    served = Served()
    fetch(tmp_path, served)
    assert served.starts == [100]
    assert (tmp_path / "a/b").read_bytes() == CONTENT
    assert not (tmp_path / "a/b.part").exists()


def test_a_part_that_is_too_long_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.part").write_bytes(CONTENT + b"more")
    fetch(tmp_path, Served())
    assert (tmp_path / "a/b").read_bytes() == CONTENT


def test_a_connection_that_gives_nothing_is_given_up_and_the_part_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.part").write_bytes(CONTENT[:100])
    with pytest.raises(Unreachable, match="the connection broke"):
        fetch(tmp_path, Served(most=0))
    assert (tmp_path / "a/b.part").read_bytes() == CONTENT[:100]


def test_damaged_bytes_are_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(ServiceFault, match=f"arrived damaged: expected sha256 {SHA}, came [0-9a-f]{{64}}"):
        fetch(tmp_path, Served(content=CONTENT[::-1]))
    assert not (tmp_path / "a/b").exists()
    assert not (tmp_path / "a/b.part").exists()


def test_an_answer_that_ends_too_early_is_a_broken_connection(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"the connection ended at byte 100 of 10,240 of a/b"):
        fetch(tmp_path, Served(content=CONTENT[:100]))


@pytest.mark.parametrize("served", [Served(etag="0" * 64), Served(ranges=False)], ids=["other", "no ranges"])
def test_other_bytes_are_never_mixed_in(tmp_path: Path, served: Served) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.part").write_bytes(CONTENT[:100])
    with pytest.raises(ServiceFault, match="is another file on the service than a moment ago"):
        fetch(tmp_path, served)


def test_a_stopped_download_keeps_what_it_has(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        fetch(tmp_path, Served(), stop)
    assert (tmp_path / "a/b.part").exists()


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (
            errno.ENOSPC,
            DiskFull,
            "the disk is full at x: what is complete stays; make room, then run the same command",
        ),
        (errno.EDQUOT, DiskFull, "the disk is full at x"),
        (errno.EACCES, BadFile, "cannot write x: "),
    ],
)
def test_what_a_disk_refuses_is_said_in_one_line(number: int, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told), disk_faults(Path("x")):
        raise OSError(number, "the system's own words")


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(BadFile, match="cannot write"):
        fetch(tmp_path, Served())
