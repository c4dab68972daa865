"""Retention and repair with the whole stack: what is lost or dropped comes back with the same bytes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holonomy import Brackets, Client, Digits, First, Mlp, Training
from holonomy.errors import NotStored
from holonomy.handle import JobHandle
from service.embedded import access, stack
from service.embedded.home import Home
from service.embedded.state import read_state
from service.objects import ObjectStore, StoreSettings

RUN = Training(data=Digits(), model=Mlp(hidden=(8,)), steps=40, checkpoints=(20, 40))
PAIRS = Brackets(training=RUN, steps=(20, 40), examples=First(count=6), test_examples=First(count=4), keep="all")


@pytest.fixture
def store(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The bucket of a stack of the test's own, which this process finds too."""
    stack.up(fresh_home)
    home = Home(fresh_home)
    state = read_state(home)
    assert state is not None
    for name, value in access.environment(home, state).items():
        monkeypatch.setenv(name, value)
    return ObjectStore(StoreSettings(bucket=state.bucket))


def holonomy(*arguments: str, code: int = 0) -> Any:
    """What a command prints as JSON."""
    command = [sys.executable, "-m", "holonomy", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def flip(store: ObjectStore, key: str) -> None:
    data = bytearray(store.get(key))
    data[-1] ^= 1
    store.delete([key])
    store.put(key, bytes(data))


def digests(*jobs: JobHandle) -> dict[tuple[int, str], str]:
    return {(job.id, ref.name): ref.sha256 for job in jobs for ref in job.manifest().objects}


def test_what_is_lost_or_dropped_comes_back_with_the_same_bytes(store: ObjectStore) -> None:
    with Client() as client:
        run = client.submit(RUN)
        job = client.submit(PAIRS)
        job.wait(timeout=200)
        before, kept, pairs = digests(run, job), job.bracket(1, 4, step=40), job.pairs()
        assert holonomy("fsck", "--deep")["counts"] == {}

        keys = {ref.name: ref.key for one in (run, job) for ref in one.manifest().objects}
        checkpoint, tile = keys["checkpoints/000000020"], keys["tiles/000000040/000000-000000"]
        store.delete([checkpoint])
        flip(store, tile)
        found = holonomy("fsck", "--deep", code=1)
        assert {(one["fault"], one["key"]) for one in found["examples"]} == {
            ("missing", checkpoint),
            ("corrupted", tile),
        }
        mended = holonomy("fsck", "--deep", "--mend")["mended"]
        assert (mended["jobs"], mended["other"], mended["left"]) == ([run.id, job.id], 0, [])
        assert holonomy("fsck", "--deep", "--orphans-older-than", "0s", code=1)["counts"].keys() == {"orphaned"}
        _unchanged(before, kept, pairs, run, job)

        gone = holonomy("gc", "--arrays-older-than", "0s", "--orphans-older-than", "0s")["shares"]
        assert [share["jobs"] for share in gone] == [2, 0]
        assert all(share["objects"] > 0 for share in gone)
        with pytest.raises(NotStored, match=f"was dropped on .* `holonomy fsck --mend {job.id}` computes it again"):
            job.bracket(1, 4, step=40)
        assert job.pairs().equals(pairs)
        assert holonomy("fsck", "--deep", "--orphans-older-than", "0s")["counts"] == {}
        holonomy("fsck", str(job.id), "--mend")
        _unchanged({name: digest for name, digest in before.items() if name[0] == job.id}, kept, pairs, job)

        # A new job on the run without checkpoints has them computed again.
        more = client.submit(PAIRS.model_copy(update={"examples": First(count=3)}))
        more.wait(timeout=200)
        assert more.pairs().height == 6


def _unchanged(before: dict[tuple[int, str], str], kept: Any, pairs: Any, *jobs: JobHandle) -> None:
    assert digests(*jobs) == before
    again = jobs[-1].bracket(1, 4, step=40)
    assert all(np.array_equal(again[name], kept[name]) for name in kept)
    assert jobs[-1].pairs().equals(pairs)
