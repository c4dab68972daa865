"""MXResNet-18 on synthetic faces, from drawing and import to flagged outputs, through a whole stack."""

import subprocess
import sys
from pathlib import Path

import polars as pl

from holonomy import (
    Adam,
    BinaryCrossEntropy,
    Brackets,
    Client,
    First,
    Images,
    LabelControls,
    MxResNet,
    Training,
    faces,
)
from schemas.data import CONTROL_LABELS

STEPS, EXAMPLES, TESTS = 12, 6, 8


def holonomy(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "holonomy", *arguments], env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_from_drawn_faces_to_flagged_outputs(
    client: Client, stack_environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "faces"
    holonomy(stack_environment, "data", "faces", str(folder), "--count", "400", "--size", "32")
    holonomy(stack_environment, "data", "import", "small-faces", str(folder), "--size", "32")
    controls = LabelControls(pair=("Black_Hair", "Brown_Hair"))
    training = Training(
        data=Images(name="small-faces", mean=0.5, std=0.25, controls=controls),
        model=MxResNet(depth=18),
        loss=BinaryCrossEntropy(),
        optimizer=Adam(lr=2e-3, betas=(0.8, 0.999)),
        steps=STEPS,
        batch_size=32,
        checkpoints=(0, STEPS),
    )
    spec = Brackets(
        training=training,
        examples=First(count=EXAMPLES),
        test_examples=First(count=TESTS),
        gauss_newton=True,
        null_pairs=2,
        verify=1,
    )
    job = client.submit(spec).wait(timeout=280, progress=False)
    pairs = job.pairs(STEPS)
    assert len(pairs) == EXAMPLES * (EXAMPLES - 1) // 2
    assert pairs["bracket_norm"].min() > 0
    tensors = job.table("tensors")
    start, end = (tensors.filter(pl.col("step") == step) for step in (0, STEPS))
    assert len(end) == 68
    # The last BatchNorm of a branch starts at 0: at step 0 nothing before it has a gradient.
    assert int(start["zero_gradient"].sum()) == 32
    assert not end["zero_gradient"].any()
    fits = job.table("fits").filter(pl.col("step") == STEPS)
    assert set(fits["part"]) == {"bracket", "gauss_newton"}
    # Bracket and gradient RMS lie along a line of slope 1: the finding that this network is known for.
    assert fits.filter(pl.col("part") == "bracket")["residual_sd_decades"].item() < 0.25
    checked = job.table("verifications")
    assert checked["path"].unique().to_list() == ["tap"]
    assert checked["norm_error"].max() < 1e-3
    outputs = job.table("outputs").filter(pl.col("step") == STEPS)
    assert outputs["label"].to_list() == [*faces.NAMES, *CONTROL_LABELS]
    black = outputs.row(by_predicate=pl.col("label") == "Black_Hair", named=True)
    assert black["rival_lift"] == 0
    assert black["rival"].endswith("_Hair")
    report = holonomy(stack_environment, "flags", str(job.id), "--step", str(STEPS))
    assert "Control labels move" in report
    assert "Missing control: a job with a softmax head" in report
