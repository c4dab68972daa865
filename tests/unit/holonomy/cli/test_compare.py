"""`holonomy compare`: exit codes like those of diff, and what is printed."""

import json
from typing import Any

import pytest

from holonomy import Client
from holonomy.cli.compare import read_side
from holonomy.compare import comparison
from holonomy.errors import JobFailed, Refused
from schemas.states import JobState
from tests.support.fake_service import Answer, World
from tests.support.nights import night

Command = Any
CALM = [1.0, 1.1, 0.9]


def jobs(client: Client, world: World, values: list[float | None], first_seed: int = 0) -> str:
    numbers = (str(job.id) for job in night(client, world, {0.1: values}, first_seed=first_seed))
    return f"jobs:{','.join(numbers)}"


def test_no_change_is_0_and_a_change_is_1(command: Command, client: Client, world: World) -> None:
    a, b = jobs(client, world, CALM), jobs(client, world, [9.0, 9.1, 8.9], 7)
    calm = command("compare", a, jobs(client, world, CALM, 20))
    assert (calm.exit_code, calm.stderr) == (0, "")
    assert "no change in 2 comparisons; one of " in calm.stdout
    loud = command("compare", a, b)
    assert (loud.exit_code, loud.stderr) == (1, "")
    assert "order dependence at step 9" in loud.stdout
    assert "rose to 9 times [" in loud.stdout
    assert command("compare", a, b, "--metric", "rms(tensors.bracket_rms)").exit_code == 0
    assert command("compare", a, b, "--threshold", "5%", "--confidence", "0.8").exit_code == 1


def test_json_has_the_verdict_the_sentences_and_the_rows(command: Command, client: Client, world: World) -> None:
    done = command("compare", jobs(client, world, CALM), jobs(client, world, [9.0, 9.1, None], 7), "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["changed"], found["incomplete"], found["a"]) == (True, False, "jobs 1, 2, 3")
    assert [row["verdict"] for row in found["rows"]] == ["changed", "no change"]
    assert found["rows"][0]["lost_b"] == 1
    assert found["report"][0].startswith("order dependence at step 9 rose to ")


def test_missing_values_are_trouble(command: Command, client: Client, world: World) -> None:
    done = command("compare", jobs(client, world, CALM), jobs(client, world, [1.0, 1.1, None], 7))
    assert done.exit_code == 2
    assert "no finite value in 0 of 3 against 1 of 3 jobs" in done.stdout
    assert "values are missing on one side, so that this is no finding of no change" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sweep:1",), "expected two sides, such as sweep:12 sweep:14, or the name of one schedule; came sweep:1"),
        (("sweep:1", "sweep:2", "sweep:3"), "expected two sides"),
        (("sweep:7", "sweep:8"), "there is no sweep 7"),
        (("nightly", "sweep:8"), "a side reads sweep:12 or jobs:3,4,5; came 'nightly'"),
        (("sweep:1", "sweep:2", "--instants", "2026-11-20", "2026-11-21"), "--instants are those of a schedule"),
        (("jobs:1", "jobs:2"), "a spread over seeds needs at least two seeds of training a side"),
        (("jobs:1,2", "jobs:3,4", "--metric", "defects.mean"), "unknown number in table defects 'mean'"),
        (("jobs:1,2", "jobs:3,4", "--threshold", "much"), "a threshold is a relative change"),
        (("jobs:1,5", "jobs:3,4"), "jobs 1, 5 is not finished"),
    ],
)
def test_bad_input_is_2(command: Command, client: Client, world: World, arguments: tuple, said: str) -> None:
    for seed in (0, 7):
        jobs(client, world, [1.0, 1.1], seed)
    running = night(client, world, {0.1: [1.0]}, first_seed=50)[0]
    world.move(running.id, JobState.RUNNING)
    done = command("compare", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_at_fault_is_3(command: Command, world: World) -> None:
    world.failures = [Answer(500, "the database is on fire")] * 20
    assert command("compare", "sweep:1", "sweep:2").exit_code == 3


@pytest.mark.parametrize(("error", "code"), [(ZeroDivisionError("a mistake of ours"), 3), ("a failed job", 2)])
def test_no_error_looks_like_a_change(
    command: Command, client: Client, world: World, monkeypatch: pytest.MonkeyPatch, error: Any, code: int
) -> None:
    a, b = night(client, world, {0.1: CALM}), night(client, world, {0.1: CALM}, first_seed=9)
    raised = error if isinstance(error, Exception) else JobFailed(error, a[0].seen)

    def broken(*_: object) -> None:
        raise raised

    monkeypatch.setattr(comparison, "compare", broken)
    done = command("compare", *(f"jobs:{','.join(str(job.id) for job in side)}" for side in (a, b)))
    assert done.exit_code == code


def test_sides_in_words() -> None:
    assert read_side("sweep:12") == 12
    assert read_side("12") == 12
    assert read_side("jobs:3,4") == [3, 4]
    for text in ("sweep:1,2", "jobs:", "jobs:3,", "nightly", "sweep:-1"):
        with pytest.raises(Refused, match="a side reads sweep:12 or jobs:3,4,5; came"):
            read_side(text)
