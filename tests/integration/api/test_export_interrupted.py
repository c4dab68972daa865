"""Exports and imports that are cut off, killed, or run out of disk; then the same command goes on."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from holonomy import Client
from holonomy.errors import DiskFull, Refused, Unreachable
from holonomy.export.download import digest_of
from holonomy.transport import HttpTransport
from schemas.exports import ExportManifest
from tests.support.fragile import Fragile

SPEC = {
    "kind": "brackets",
    "training": {"kind": "training", "steps": 50, "checkpoints": [0, 10]},
    "steps": [0, 10],
    "examples": list(range(60)),
    "test_examples": {"kind": "first", "count": 3},
}
KILLED = """
import os, signal, sys
from holonomy import Client
from holonomy.transport import HttpTransport
from tests.support.fragile import Fragile

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

url, token, doing, folder, job, after = sys.argv[1:]
client = Client(transport=Fragile(HttpTransport(url, token), int(after), kill))
client.export(folder, jobs=[int(job)]) if doing == "export" else client.import_(folder)
"""


@pytest.fixture(scope="module")
def job(worker) -> int:
    return worker.finished(SPEC)


@pytest.fixture(scope="module")
def exported(api, job, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "export"
    Client(api.url, api.token("read")).export(folder, jobs=[job])
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = {path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"}
    return {str(path.relative_to(folder)): digest_of(path) for path in files}


def killed(api, scope: str, doing: str, folder: Path, job: int, after: int) -> None:
    command = [sys.executable, "-c", KILLED, api.url, api.token(scope), doing, str(folder), str(job), str(after)]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_connection_that_breaks_again_and_again_is_taken_up_where_it_broke(api, job, exported, tmp_path) -> None:
    transport = HttpTransport(api.url, api.token("read"))
    asked = list[str]()

    class Breaking(Fragile):
        @contextmanager
        def send(self, call):
            self.left = 20_000
            asked.append(call.headers.get("Range", ""))
            with super().send(call) as reply:
                yield reply

    def break_off() -> None:
        raise Unreachable("the connection broke")

    Client(transport=Breaking(transport, 0, break_off)).export(tmp_path / "export", jobs=[job])
    assert contents(tmp_path / "export") == contents(exported)
    assert any(line not in ("", "bytes=0-") for line in asked)


def test_a_killed_export_goes_on(api, job, exported, tmp_path) -> None:
    folder = tmp_path / "export"
    size = sum(path.stat().st_size for path in exported.rglob("*.*"))
    killed(api, "read", "export", folder, job, after=size // 2)
    assert list(folder.rglob("*.part"))
    assert not (folder / "manifest.json").exists()
    Client(api.url, api.token("read")).export(folder, jobs=[job])
    assert contents(folder) == contents(exported)


def test_a_killed_import_goes_on(exported, job, elsewhere) -> None:
    killed(elsewhere, "admin", "import", exported, job, after=4)
    uploaded = {found.key for found in elsewhere.backend.objects.list("imports/")}
    assert uploaded
    with elsewhere.backend.engine.connect() as connection:
        assert connection.execute(text("select count(*) from jobs")).scalar_one() == 0
    done = Client(elsewhere.url, elsewhere.token("admin")).import_(exported)
    assert [one.created for one in done.jobs] == [True, True]
    assert uploaded < {found.key for found in elsewhere.backend.objects.list("imports/")}


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_what_is_complete_stays(api, job, exported, small_disk) -> None:
    client = Client(api.url, api.token("read"))
    with pytest.raises(
        DiskFull, match=r"the disk is full at .*: what is complete stays; make room, then run the same"
    ):
        client.export(small_disk / "export", jobs=[job])
    assert not (small_disk / "export" / "manifest.json").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    client.export(small_disk / "export", jobs=[job])
    assert contents(small_disk / "export") == contents(exported)


def test_a_job_whose_rows_do_not_fit_is_not_stored_at_all(exported, elsewhere, tmp_path) -> None:
    folder = Path(shutil.copytree(exported, tmp_path / "export"))
    manifest = ExportManifest.model_validate_json((folder / "manifest.json").read_bytes())
    file = next(file for file in manifest.files if file.name == "pairs")
    table = pq.read_table(folder / file.path)
    pq.write_table(table.take([0, *range(len(table))]), folder / file.path)
    changed = file.model_copy(
        update={"sha256": digest_of(folder / file.path), "size_bytes": (folder / file.path).stat().st_size}
    )
    files = tuple(changed if one is file else one for one in manifest.files)
    (folder / "manifest.json").write_text(manifest.model_copy(update={"files": files}).model_dump_json())
    with pytest.raises(Refused, match="does not take the rows of table pairs: duplicate key"):
        Client(elsewhere.url, elsewhere.token("admin")).import_(folder)
    with elsewhere.backend.engine.connect() as connection:
        assert list(connection.scalars(text("select kind from jobs"))) == ["training"]
        assert connection.execute(text("select count(*) from blocks where kind = 'bracket_tile'")).scalar_one() == 0
        assert connection.execute(text("select count(*) from pairs")).scalar_one() == 0
    done = Client(elsewhere.url, elsewhere.token("admin")).import_(exported)
    assert [one.created for one in done.jobs] == [False, True]
