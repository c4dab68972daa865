"""The client and a whole stack: found without configuration, watched through a death, used on MNIST."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from holonomy import Brackets, Client, Diagnostic, Idx, NotStored, Training
from service.embedded import stack


def kill(folder: Path, name: str) -> None:
    """End a part of the stack without warning."""
    part = next(part for part in stack.status(folder).processes if part.name == name)
    assert part.pid is not None
    os.kill(part.pid, signal.SIGKILL)


def test_a_watcher_survives_the_death_of_the_api(client: Client, stack_folder: Path) -> None:
    job = client.submit(Diagnostic(blocks=8, seconds=0.5), fresh=True)
    timer = threading.Timer(1.0, kill, (stack_folder, "api"))
    timer.start()
    finished = job.wait(progress=False, timeout=120).status()
    timer.join()
    assert (finished.state, finished.progress.done) == ("done", 8)


def test_brackets_of_mnist_are_antisymmetric_and_agree_with_their_rows(client: Client, mnist_folder: Path) -> None:
    client.data.import_idx("mnist", mnist_folder)
    training = Training(data=Idx(name="mnist", mean=0.1307, std=0.3081), steps=20, checkpoints=(0, 20))
    spec = Brackets(training=training, examples=(3, 5, 8), test_examples=(0, 1), keep=((3, 5),), dtype="float64")
    job = client.submit(spec).wait(timeout=200)
    row = job.pairs(20, where=["i == 3", "j == 5"]).row(0, named=True)
    bracket = job.bracket(3, 5, step=20)
    norm = np.sqrt(sum(float((array**2).sum()) for array in bracket.values()))
    assert norm == pytest.approx(row["bracket_norm"], rel=1e-9)
    for name, array in job.bracket(5, 3, step=20).items():
        np.testing.assert_array_equal(array, -bracket[name])
    logits = job.logits(3, 5, step=20)
    assert logits.shape == (2, 10)
    moved = job.perturbations(20, where=["i == 3", "j == 5"]).row(0, named=True)
    assert np.sqrt((logits**2).mean()) == pytest.approx(moved["logit_rms"], rel=1e-9)
    assert job.checkpoints()["step"].to_list() == [0, 20]
    with pytest.raises(NotStored, match="was not kept"):
        job.bracket(3, 8, step=20)
