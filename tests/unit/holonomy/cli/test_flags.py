"""`holonomy flags`: the report in words or as JSON, and what it cannot be made of."""

import json
from typing import Any

import polars
import pytest

from holonomy import BinaryCrossEntropy, Brackets, Client, CrossEntropy, First, Training
from schemas.losses import GroupedCrossEntropy
from schemas.states import JobState
from tests.support.fake_service import World

Command = Any
LABELS = [*(f"plain{k}" for k in range(8)), "black", "brown"]


def outputs(step: int, hair: float) -> polars.DataFrame:
    exclusive = {"black": "brown", "brown": "black"}
    return polars.DataFrame(
        [
            {
                "step": step,
                "output": place,
                "label": label,
                "logit_rms": 1.0,
                "normalised_rms": hair if label in exclusive else 2.0,
                "multiple": hair / 2.0 if label in exclusive else 1.0,
                "flagged": label in exclusive,
                "train_rate": 0.25,
                "rival": exclusive.get(label),
                "rival_lift": 0.0 if label in exclusive else None,
                "rival_expected": 1234.0 if label in exclusive else None,
                "companion": None,
                "companion_lift": None,
            }
            for place, label in enumerate(LABELS)
        ],
        infer_schema_length=None,
    )


def submit(client: Client, loss: Any = None, **changes: Any) -> int:
    training = Training(steps=5, loss=loss or BinaryCrossEntropy())
    return client.submit(
        Brackets(training=training, **{"examples": range(4), "test_examples": First(count=2), **changes})
    ).id


def test_the_report_is_of_the_last_checkpoint_in_words(command: Command, client: Client, world: World) -> None:
    world.tables["outputs"] = polars.concat([outputs(9, 8.4), outputs(0, 2.1)])
    done = command("flags", submit(client))
    assert done.exit_code == 0, done.stderr
    assert "Step 9: 1 finding among 10 outputs." in done.stdout
    assert "`black` and `brown` never occur together" in done.stdout
    assert "modelled as independent" in done.stdout


def test_as_json_with_a_softmax_job_beside_it(command: Command, client: Client, world: World) -> None:
    world.tables["outputs"] = outputs(9, 8.4)
    job = submit(client)
    for loss in (CrossEntropy(), GroupedCrossEntropy(groups=(("black", 9),))):
        done = command("flags", job, "--softmax", submit(client, loss), "--json")
        [finding] = json.loads(done.stdout)["findings"]
        assert finding["compared"]
        assert finding["cause"] == "exclusive"
    elsewhere = GroupedCrossEntropy(groups=(("plain0", "plain1"),))
    done = command("flags", job, "--softmax", submit(client, elsewhere), "--json")
    assert not json.loads(done.stdout)["findings"][0]["compared"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test_examples": None}, "took no logit perturbations, so that no output can be judged"),
        ({"examples": range(3)}, "has no outputs at step 7: `holonomy results 1 --table outputs`"),
    ],
)
def test_jobs_without_outputs(command: Command, client: Client, world: World, changes, words: str) -> None:
    world.tables["outputs"] = outputs(9, 8.4).clear()
    job = submit(client, **changes)
    world.move(job, JobState.DONE)
    done = command("flags", job, "--step", 7)
    assert done.exit_code == 2
    assert words in done.stderr


def test_what_cannot_be_compared(command: Command, client: Client, world: World) -> None:
    world.tables["outputs"] = outputs(9, 8.4)
    job, training = submit(client), client.submit(Training(steps=5)).id
    assert "job 2 is a training job: name another" in command("flags", training).stderr
    assert "has no softmax head, its loss is binary_cross_entropy" in command("flags", job, "--softmax", job).stderr
    world.tables["outputs"] = outputs(9, 0.0).with_columns(normalised_rms=polars.lit(0.0))
    assert "needs a median output that moves" in command("flags", job).stderr
