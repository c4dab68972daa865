"""Commands: what they print where, and their exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars
import pytest
from rich.console import Console

import holonomy
from holonomy import Brackets, Client, Diagnostic, Training
from holonomy.cli import output
from holonomy.cli.output import print_rows
from holonomy.cli.render import job_table
from holonomy.cli.results import READING_COLUMNS, READING_ORDER
from schemas.results import RESULT_TABLES
from schemas.states import JobState
from tests.support.bracket_tables import DEFECTS, MINIBATCHES
from tests.support.contracts_client import write_idx_folder
from tests.support.fake_service import Answer, FakeService, World
from tests.support.layouts import write_imdb, write_picture_folders

Command = Any


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text("kind: diagnostic\nblocks: 2\n")
    return path


def test_submit_prints_json_on_standard_output_alone(command: Command, spec_file: Path) -> None:
    done = command("submit", spec_file, "--name", "mine", "--json")
    assert done.exit_code == 0
    job = json.loads(done.stdout)
    assert (job["id"], job["name"], job["state"]) == (1, "mine", "queued")
    assert "job 1 submitted" in done.stderr


def test_submitting_again_says_so_and_fresh_makes_another(command: Command, spec_file: Path) -> None:
    command("submit", spec_file)
    again, fresh = command("submit", spec_file), command("submit", spec_file, "--fresh")
    assert "job 1: this spec was submitted before" in again.stderr
    assert "job 2 submitted" in fresh.stderr


def test_submitting_what_failed_again_says_how_to_go_on(command: Command, spec_file: Path, world: World) -> None:
    command("submit", spec_file)
    world.fail(1, "the loss is NaN")
    said = command("submit", spec_file).stderr
    assert "it is failed: `holonomy retry 1` goes on with it, --fresh computes it anew" in said
    assert "watch" not in said


def test_submit_reads_standard_input(command: Command) -> None:
    assert command("submit", "-", stdin='{"kind": "diagnostic"}').exit_code == 0
    bad = command("submit", "-", stdin="kind: diagnostics")
    assert bad.exit_code == 2
    assert bad.stderr.startswith("holonomy: standard input:1: unknown kind ")


def test_waiting_ends_with_the_job(command: Command, spec_file: Path, client: Client, world: World) -> None:
    job = client.submit(Diagnostic(blocks=2))
    world.move(job.id, JobState.DONE)
    assert command("submit", spec_file, "--wait").exit_code == 0
    done = command("watch", job.id, "--json")
    assert json.loads(done.stdout)["state"] == "done"


def test_a_failed_job_is_exit_code_1(command: Command, client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    world.fail(job.id, "the loss is NaN at step 7")
    done = command("watch", job.id)
    assert done.exit_code == 1
    assert "job 1 failed: the loss is NaN at step 7" in done.stderr
    assert "`holonomy logs 1` tells more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "7"], "there is no job 7"),
        (["submit", "nothing.yaml"], "cannot read nothing.yaml"),
        (["schema", "brackts"], "there is no kind 'brackts'; there are: training, brackets"),
        (["data", "import", "x", "nowhere"], "nowhere is not a folder"),
        (
            ["data", "import", "x", ".", "--format", "idx", "--size", "8"],
            "--size is not for the format idx, which",
        ),
        (
            ["data", "import", "x", ".", "--format", "imdb", "--crop", "8"],
            "which has --length, --vocabulary: leave it",
        ),
        (
            ["token", "create", "x", "--scope", "write"],
            "scopes[0]: expected 'read', 'submit' or 'admin'",
        ),
        (["token", "revoke", "5"], "there is no /v1/tokens/5"),
        (["show", "seven"], "valid integer"),
        (["jobs", "--state", "asleep"], "asleep"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_mistakes_are_exit_code_2_and_never_a_traceback(command: Command, arguments: list[str], message: str) -> None:
    done = command(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_service_that_is_away_is_exit_code_3(command: Command, world: World) -> None:
    world.failures = [Answer(503, "the database does not answer") for _ in range(9)]
    done = command("jobs")
    assert done.exit_code == 3
    assert "the database does not answer" in done.stderr


def test_jobs_are_listed_for_people_and_programs(command: Command, client: Client, world: World) -> None:
    assert "no jobs" in command("jobs").stderr
    client.submit(Diagnostic(), name="first [one]")
    failed = client.submit(Training(steps=1))
    world.fail(failed.id, "loss [v] is NaN")
    assert "no jobs of this description" in command("jobs", "--name", "other").stderr
    assert "there is no kind 'bracket'" in command("jobs", "--kind", "bracket").stderr
    listed = command("jobs")
    assert "first [one]" in listed.stdout
    assert "loss [v] is NaN" in listed.stdout
    assert [job["id"] for job in json.loads(command("jobs", "--json", "--kind", "training").stdout)] == [failed.id]


def test_a_long_reason_takes_one_line_of_the_table(client: Client, world: World) -> None:
    job = client.submit(Training(steps=1))
    world.fail(job.id, "the loss must stay finite, it became nan at step 2: lower the learning rate")
    shown = Console(file=io.StringIO(), width=90)
    shown.print(job_table([job.status()], 90))
    assert isinstance(shown.file, io.StringIO)
    rows = shown.file.getvalue().splitlines()
    assert len(rows) == 2
    assert rows[1].rstrip().endswith("…")
    assert len(rows[1].rstrip()) <= 90


def test_a_state_is_not_its_own_reason(command: Command, client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    world.move(job.id, JobState.CANCELLED, reason="cancelled")
    done = command("watch", job.id)
    assert done.exit_code == 1
    assert "holonomy: job 1 was cancelled\n" in done.stderr


def test_show_tells_all_of_a_job(command: Command, client: Client, world: World) -> None:
    job = client.submit(Training(steps=1), name="run")
    world.progress(job.id, 1, 3)
    shown = command("show", job.id).stdout
    assert "1 of 3 done" in shown
    assert "batch_size: 64" in shown
    assert json.loads(command("show", job.id, "--json").stdout)["spec"]["steps"] == 1


def test_cancel_and_retry(command: Command, client: Client) -> None:
    job = client.submit(Diagnostic())
    assert "job 1 is cancelled" in command("cancel", job.id).stderr
    assert "job 1 is cancelled already: there is nothing to stop" in command("cancel", job.id).stderr
    assert json.loads(command("retry", job.id, "--json").stdout)["state"] == "queued"
    assert command("retry", job.id).exit_code == 2


def test_logs_for_people_and_programs(command: Command, client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    world.events = [
        {
            "id": 1,
            "at": "2026-01-02T03:04:05Z",
            "level": "info",
            "block_id": 4,
            "message": "saved",
            "data": {"step": 3},
        }
    ]
    assert command("logs", job.id).stdout == "2026-01-02T03:04:05+00:00 info    block 4 saved step=3\n"
    assert json.loads(command("logs", job.id, "--json").stdout)["message"] == "saved"
    world.events[0]["data"] = {"traceback": "Traceback:\n  File x\nTypeError: no\n", "run": 2}
    lines = command("logs", job.id).stdout.splitlines()
    assert lines[0].endswith("saved run=2")
    assert lines[1:] == ["    Traceback:", "      File x", "    TypeError: no"]


def test_rows_for_people_and_programs(command: Command, client: Client, world: World) -> None:
    job = client.submit(Training(steps=1))
    world.tables["checkpoints"] = polars.DataFrame({"step": [0, 1], "train_loss": [2.5, 0.125]})
    assert "0.125" in command("results", job.id).stdout
    one = command("results", job.id, "--step", 1, "--columns", "train_loss", "--json")
    assert json.loads(one.stdout) == [{"train_loss": 0.125}]
    assert command("results", job.id, "--order-by", "-step", "--csv").stdout == "step,train_loss\n1,0.125\n0,2.5\n"
    assert command("results", job.id, "--where", "train_loss > 1", "--csv").stdout == "step,train_loss\n0,2.5\n"
    assert command("results", job.id, "--columns", "loss").exit_code == 2
    assert "has no results" in command("results", client.submit(Diagnostic()).id).stderr


@pytest.mark.parametrize("chosen", [READING_COLUMNS, READING_ORDER], ids=["columns", "order"])
def test_what_people_are_shown_is_in_the_tables(chosen: dict[str, str]) -> None:
    for table, names in chosen.items():
        assert all(RESULT_TABLES[table].column(name.removeprefix("-")) for name in names.split(","))


def test_a_bracket_job_is_reported(command: Command, client: Client, world: World, brackets_tables: None) -> None:
    training = client.submit(Training(steps=1))
    job = client.submit(Brackets(training=Training(steps=1), examples=range(3)))
    world.jobs[job.id] = world.jobs[job.id].model_copy(update={"parents": (training.id,)})
    report = command("results", job.id).stdout
    assert "The training run" in report
    assert "Largest and smallest brackets" in report
    assert "‖[v_i, v_j]‖" in report
    assert "scatter" in report
    assert "are antisymmetric" in " ".join(report.split())


def test_a_report_of_a_job_without_results_says_why(
    command: Command, client: Client, world: World, brackets_tables: None
) -> None:
    job = client.submit(Brackets(training=Training(steps=1), examples=range(3)))
    fits = world.tables["fits"]
    world.tables["fits"] = fits.clear()
    waiting = command("results", job.id)
    assert waiting.exit_code == 2
    assert "job 1 is queued and has no report yet: `holonomy watch 1` shows its progress" in waiting.stderr
    world.fail(job.id, "the loss must stay finite")
    failed = command("results", job.id)
    assert failed.exit_code == 1
    assert "job 1 failed: the loss must stay finite" in failed.stderr
    assert waiting.stdout == failed.stdout == ""


def test_a_job_without_norms_is_reported_too(
    command: Command, client: Client, world: World, brackets_tables: None
) -> None:
    training = client.submit(Training(steps=1))
    spec = Brackets(training=Training(steps=1), examples=range(3), norms=False, minibatches=[(0,), (1,)])
    job = client.submit(spec)
    world.move(job.id, JobState.RUNNING, parents=(training.id,))
    world.tables["minibatches"] = MINIBATCHES.clear()
    waiting = command("results", job.id)
    assert waiting.exit_code == 2
    assert f"`holonomy results {job.id} --table minibatches` the rows so far" in waiting.stderr
    world.tables["minibatches"] = MINIBATCHES
    world.move(job.id, JobState.DONE)
    done = command("results", job.id).stdout
    assert "Largest brackets of minibatches" in done
    assert "proportional" not in done


def test_a_report_of_a_running_job_says_that_there_will_be_more(
    command: Command, client: Client, world: World, brackets_tables: None
) -> None:
    training = client.submit(Training(steps=1))
    job = client.submit(Brackets(training=Training(steps=1), examples=range(3)))
    world.move(job.id, JobState.RUNNING, parents=(training.id,))
    done = command("results", job.id)
    assert "job 2 is running: this is what it has found so far" in done.stderr
    assert "Largest and smallest brackets" in done.stdout


def test_no_rows_are_explained(command: Command, client: Client, world: World, brackets_tables: None) -> None:
    training = client.submit(Training(steps=1))
    job = client.submit(Brackets(training=Training(steps=1), examples=range(3)))
    world.move(job.id, JobState.DONE, parents=(training.id,))
    columns = ("--columns", "step,i,j")
    assert "no pairs of job 2 match" in command("results", job.id, "--step", 7, *columns).stderr
    other = command("results", job.id, "--table", "checkpoints")
    assert other.exit_code == 2
    assert "a brackets job has no table checkpoints, but pairs, tensors, fits, defects" in other.stderr
    assert "`holonomy results 1 --table checkpoints`" in other.stderr
    assert "a training job has no table pairs" in command("results", training.id, "--table", "pairs").stderr


def test_rows_beyond_the_first_page_are_not_hidden_silently(command: Command, client: Client, world: World) -> None:
    job = client.submit(Training(steps=1))
    world.tables["checkpoints"] = polars.DataFrame({"step": range(60), "train_loss": [0.5] * 60})
    shown = command("results", job.id)
    assert len(shown.stdout.splitlines()) == 52
    assert "these are the first 50 rows" in shown.stderr
    assert "first 50" not in command("results", job.id, "--limit", 55).stderr
    assert len(json.loads(command("results", job.id, "--json").stdout)) == 60
    assert command("results", job.id, "--limit", 0).exit_code == 2
    assert "not both" in command("results", job.id, "--json", "--csv").stderr


def test_a_narrow_terminal_loses_columns_and_never_digits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "console", lambda: Console(width=30, highlight=False))
    frame = polars.DataFrame({"step": [100], "bracket_norm": [0.0123456], "cancellation": [0.5], "x": ["[a]"]})
    assert print_rows(frame, "pairs", fit=True) == ("cancellation", "x")
    assert "0.012346" in capsys.readouterr().out
    assert print_rows(frame, "pairs", fit=False) == ()
    said = capsys.readouterr().out
    assert "cancellation" in said
    assert "[a]" in said


@pytest.fixture
def brackets_tables(world: World) -> None:
    pairs = polars.DataFrame({"step": [0, 0, 0], "i": [0, 0, 1], "j": [1, 2, 2], "bracket_norm": [1.0, 2.0, 3.0]})
    same = [polars.lit(0.5).alias(name) for name in ("bracket_rms", "defect", "cosine_i", "cosine_j")]
    world.tables["pairs"] = pairs.with_columns(same)
    world.tables["fits"] = polars.DataFrame(
        {
            "step": [0],
            "part": ["bracket"],
            "tensors": [5],
            "excluded": [1],
            "intercept": [-0.3],
            "residual_sd_decades": [0.17],
            "slope": [None],
            "pearson_r": [0.9],
            "r_squared_slope_1": [-0.1],
        }
    )
    shares = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "parameter_norm")
    world.tables["checkpoints"] = polars.DataFrame({"step": [0], **{name: [0.5] for name in shares}})
    world.tables["outputs"] = polars.DataFrame({"step": [], "output": []})
    world.tables["defects"] = DEFECTS


def test_data_is_imported_and_listed(command: Command, tmp_path: Path) -> None:
    assert "no datasets" in command("data", "list").stderr
    write_idx_folder(tmp_path)
    assert "7 train and 3 test examples" in command("data", "import", "small", tmp_path).stderr
    assert "small" in command("data", "list").stdout
    assert json.loads(command("data", "list", "--json").stdout)[0]["manifest"]["shape"] == [4, 5]


def test_each_format_is_recognised_and_listed(command: Command, tmp_path: Path) -> None:
    write_picture_folders(tmp_path / "pets")
    write_imdb(tmp_path / "reviews")
    said = command("data", "import", "pets", tmp_path / "pets", "--size", 4, "--crop", 8).stderr
    assert "5 train and 3 test examples" in said
    said = command("data", "import", "reviews", tmp_path / "reviews", "--length", 5, "--vocabulary", 50).stderr
    assert "train/unsup is left out: its texts have no labels" in said
    listed = command("data", "list").stdout
    assert "images" in listed
    assert "3×4×4" in listed
    assert "5 of 50 tokens" in listed


def test_faces_are_drawn_and_imported(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    drawn = command("data", "faces", folder, "--count", 10, "--size", 32, "--seed", 4, "--lighting", 0.5)
    assert f"`holonomy data import NAME {folder}` imports them" in " ".join(drawn.stderr.split())
    assert json.loads((folder / "faces.json").read_text())["lighting"] == 0.5
    options = ("--format", "celeba", "--test-split", "valid", "--json")
    manifest = json.loads(command("data", "import", "faces", folder, *options).stdout)["manifest"]
    assert (manifest["preparation"]["test_split"], len(manifest["labels"])) == ("valid", 40)


def test_tokens_are_shown_once(command: Command) -> None:
    assert command("token", "create", "me", "--scope", "read").stdout == "hol_secret\n"
    assert json.loads(command("token", "list", "--json").stdout)[0]["scopes"] == ["read"]
    assert "token 1 is revoked" in command("token", "revoke", 1).stderr


def test_the_version_is_told(command: Command) -> None:
    assert command("--version").stdout == f"holonomy {holonomy.__version__}\n"


@pytest.mark.parametrize("kind", ["training", "brackets", "replicas", "diagnostic", "dataset-import"])
def test_schemas_are_printed(command: Command, kind: str) -> None:
    assert json.loads(command("schema", kind).stdout)["type"] == "object"


def test_ctrl_c_leaves_the_job_running(service: FakeService, client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    watching = subprocess.Popen(
        [sys.executable, "-m", "holonomy", "watch", str(job.id)], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    deadline = time.monotonic() + 20
    while not any("progress" in request for request in world.requests) and time.monotonic() < deadline:
        time.sleep(0.05)
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert f"job {job.id} goes on without you: `holonomy watch {job.id}` comes back to it" in said
    assert "Traceback" not in said
    assert job.status().state == "queued"
