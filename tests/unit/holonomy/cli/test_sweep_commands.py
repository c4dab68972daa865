"""Commands about sweeps and projects, and dry runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from holonomy import Client, Diagnostic, Sweep
from holonomy.cli.render_preview import preview_totals, value_text
from schemas.states import JobState
from schemas.sweep_bodies import SweepPreview
from tests.support.fake_service import World

Command = Any
BLOCKS = Sweep(base=Diagnostic(), axes={"blocks": [1, 2, 3]})


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "kind: sweep\nbase: {kind: brackets, training: {kind: training, steps: 5}, examples: [0, 1]}\n"
        "axes:\n  training.optimizer.lr: [0.1, 0.2]\n  null_pairs: [1, 2]\n"
    )
    return path


def test_a_sweep_is_submitted_with_its_labels(command: Command, sweep_file: Path, world: World) -> None:
    done = command(
        "submit",
        sweep_file,
        "--name",
        "n",
        "--project",
        "p",
        "--tag",
        "a",
        "--tag",
        "b",
        "--max-running-jobs",
        2,
        "--json",
    )
    assert done.exit_code == 0
    assert "sweep 1 submitted: 4 jobs" in done.stderr
    found = json.loads(done.stdout)
    assert (found["jobs_total"], found["max_running_jobs"], found["tags"]) == (4, 2, ["a", "b"])
    assert {(job.project, job.name) for job in world.jobs.values()} == {("p", "n")}
    assert "sweep 1: this sweep was submitted before" in command("submit", sweep_file).stderr
    world.fail(1, "no")
    for number in (2, 3, 4):
        world.move(number, JobState.DONE)
    assert "it is failed: `holonomy sweep retry 1` goes on with it" in command("submit", sweep_file).stderr


def test_a_dry_run_shows_the_jobs_and_submits_nothing(command: Command, sweep_file: Path, world: World) -> None:
    done = command("submit", sweep_file, "--dry-run")
    assert done.exit_code == 0
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["position", "training.optimizer.lr", "null_pairs", "digest", "state", "cost"]
    assert [row.split()[:3] for row in rows] == [
        ["0", "0.1", "1"],
        ["1", "0.1", "2"],
        ["2", "0.2", "1"],
        ["3", "0.2", "2"],
    ]
    assert all(row.split()[4:] == ["new", "2.0", "s"] for row in rows)
    assert done.stderr.splitlines() == [
        "4 jobs: 4 new",
        "2 training runs behind them, each trained once",
        "about 8.0 s of work, about 4.0 s on 2 worker slots; a rough guess until such jobs have run here",
    ]
    assert world.jobs == {}


def test_a_dry_run_of_a_job_that_is_done(command: Command, tmp_path: Path, client: Client, world: World) -> None:
    job = client.submit(Diagnostic(blocks=2))
    world.move(job.id, JobState.DONE)
    path = tmp_path / "job.yaml"
    path.write_text("kind: diagnostic\nblocks: 2\n")
    done = command("submit", path, "--dry-run")
    assert done.stdout.splitlines()[1].split()[2:] == ["done", "(job", "1)", "—"]
    assert done.stderr == "1 job: 1 done\n"
    assert json.loads(command("submit", path, "--dry-run", "--json").stdout)["done"] == 1


def test_long_dry_runs_are_cut(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(f"kind: sweep\nbase: {{kind: diagnostic}}\naxes: {{blocks: {list(range(1, 101))}}}\n")
    done = command("submit", path, "--dry-run")
    assert len(done.stdout.splitlines()) == 51
    assert "these are the first 50 of 100 jobs" in done.stderr


def test_totals_leave_out_what_there_is_none_of() -> None:
    numbers = dict.fromkeys(SweepPreview.model_fields, 0)
    found = SweepPreview.model_validate(
        {**numbers, "total": 3, "new": 1, "ended": 2, "left_out": 1, "training_runs": 1, "training_runs_done": 1,
         "seconds": 600, "measured": True, "wall_seconds": None, "jobs": ()}
    )  # fmt: skip
    assert list(preview_totals(found)) == [
        "3 jobs: 1 new, 2 failed or cancelled",
        "1 point of the grid left out: excluded by constraints, or equal to an earlier one",
        "1 training run behind them, each trained once, 1 of them there already",
        "about 10 min of work, and no worker slot for some of it",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        ("relu", "relu"),
        (None, "null"),
        ([1, 2], "[1, 2]"),
        ({"kind": "digits"}, "digits"),
        ({"kind": "first", "count": 3}, 'first {"count": 3}'),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_varied_values_are_short(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_sweeps_are_listed(command: Command, client: Client) -> None:
    assert "no sweeps; `holonomy submit FILE` makes one" in command("sweep", "list").stderr
    client.submit(BLOCKS, name="[bold]", tags=["a"])
    client.submit(Sweep(base=Diagnostic()), project="p")
    lines = command("sweep", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["sweep", "2", "1"]
    assert "[bold]" in lines[2]
    assert [one["id"] for one in json.loads(command("sweep", "list", "--tag", "a", "--json").stdout)] == [1]
    assert "no sweeps of this description" in command("sweep", "list", "--project", "q").stderr


def test_a_sweep_is_shown_with_what_went_wrong(command: Command, client: Client, world: World) -> None:
    client.submit(BLOCKS, name="mine", max_running_blocks=5)
    world.fail(2, "the loss is NaN")
    world.move(1, JobState.QUEUED, reason="waiting for parent 9")
    text = command("sweep", "show", 1).stdout
    assert "sweep      1  mine" in text
    assert "jobs       2 queued, 1 failed of 3" in text
    assert "at once    at most 5 blocks" in text
    assert "unfinished:\n       1  waiting for parent 9" in text
    assert "failed:\n       1  the loss is NaN (job 2)" in text
    assert "axes:\n  blocks:\n  - 1" in text
    assert json.loads(command("sweep", "show", 1, "--json").stdout)["failures"][0]["jobs"] == [2]


def test_the_jobs_of_a_sweep_are_listed(command: Command, client: Client, world: World) -> None:
    client.submit(BLOCKS)
    world.fail(2, "the loss is NaN")
    rows = [line.split() for line in command("sweep", "show", 1, "--jobs").stdout.splitlines()]
    assert [row[:4] for row in rows] == [
        ["position", "job", "blocks", "state"],
        ["0", "1", "1", "queued"],
        ["1", "2", "2", "failed"],
        ["2", "3", "3", "queued"],
    ]
    failed = json.loads(command("sweep", "show", 1, "--jobs", "--state", "failed", "--json").stdout)
    assert [(one["position"], one["varied"], one["job"]["id"]) for one in failed] == [(1, {"blocks": 2}, 2)]
    assert "the first 2 jobs" in command("sweep", "show", 1, "--jobs", "--limit", 2).stderr
    assert "has no job that is done" in command("sweep", "show", 1, "--jobs", "--state", "done").stderr
    assert "give --jobs as well" in command("sweep", "show", 1, "--state", "done").stderr
    assert [job["id"] for job in json.loads(command("jobs", "--sweep", 1, "--json").stdout)] == [1, 2, 3]


def test_a_sweep_is_watched_cancelled_and_retried(command: Command, client: Client, world: World) -> None:
    client.submit(BLOCKS)
    assert "sweep 1 is cancelled" in command("sweep", "cancel", 1).stderr
    assert "sweep 1 is cancelled already: there is nothing to stop" in command("sweep", "cancel", 1).stderr
    watched = command("sweep", "watch", 1)
    assert watched.exit_code == 1
    assert "sweep 1 was cancelled: of 3 jobs 3 cancelled" in watched.stderr
    assert "`holonomy sweep retry 1` tries again" in watched.stderr
    assert "sweep 1 is running; `holonomy sweep watch 1`" in command("sweep", "retry", 1).stderr
    for number in (1, 2, 3):
        world.move(number, JobState.DONE)
    done = command("sweep", "watch", 1, "--json")
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (0, "done")


def test_projects(command: Command) -> None:
    assert "project p runs at most 3 jobs at once" in command("project", "set", "p", "--max-running-jobs", 3).stderr
    assert json.loads(command("project", "show", "p", "--json").stdout)["max_running_jobs"] == 3
    assert "runs any number of jobs and blocks at once" in command("project", "set", "p").stderr
    assert command("project", "list").stdout.splitlines()[1].split() == ["p", "0", "—", "0", "0", "—"]
    assert [one["name"] for one in json.loads(command("project", "list", "--json").stdout)] == ["p"]
    assert command("project", "show", "p").stdout.splitlines()[1].startswith(" p ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "show", "7"], "there is no sweep 7"),
        (["sweep", "watch", "seven"], "valid integer"),
        (["project", "show", "p"], "there is no /v1/projects/p"),
        (["submit", "-", "--dry-run", "--wait"], "a dry run submits nothing to wait for"),
        (
            ["submit", "-", "--max-running-jobs", "3"],
            "--max-running-jobs is for sweeps; a job has --max-running-blocks",
        ),
        (["jobs", "--sweep", "1", "--tag", "a"], "chosen by their state alone"),
    ],
)
def test_mistakes_are_exit_code_2(command: Command, arguments: list[str], message: str) -> None:
    done = command(*arguments, stdin="kind: diagnostic")
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
