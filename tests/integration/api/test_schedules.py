"""Schedules through the API, the client and the commands."""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from holonomy import Client, Diagnostic, NotFound, Refused, Sweep, Training, Unauthorized
from holonomy.cli.app import app
from schemas.schedules import ScheduleRequest
from service.queue.sweeps.ends import end_sweeps
from service.scheduler.queue import queue_of
from service.scheduler.tick import tick

Command = Callable[..., Result]
SWEEP = Sweep(base=Training(steps=1), axes={"optimizer.lr": [0.1, 0.2]})
FILE = """\
name: {name}
cron: 30 2 * * *
timezone: Europe/Berlin
templates:
  base.seed: "{{instant:%Y%m%d}}00"
tags: ["{{instant:%G-W%V}}"]
sweep:
  kind: sweep
  base:
    kind: training
    steps: 1
  axes:
    optimizer.lr: [0.1, 0.2]
"""


@pytest.fixture
def client(api) -> Iterator[Client]:
    with Client(api.url, api.token("submit")) as made:
        yield made


@pytest.fixture
def name() -> str:
    return f"nightly-{secrets.token_hex(4)}"


@pytest.fixture
def look(api) -> Callable[[], object]:
    """What a scheduler does every few seconds."""
    return lambda: tick(api.backend.engine, datetime.now(UTC), queue_of("0"))


@pytest.fixture
def command(api, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("HOLONOMY_URL", api.url)
    monkeypatch.setenv("HOLONOMY_TOKEN", api.token("submit"))

    def run(*arguments: object) -> Result:
        done = CliRunner().invoke(app, ["schedule", *(str(argument) for argument in arguments)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    return run


@pytest.fixture
def file(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "nightly.yaml"
    path.write_text(FILE.format(name=name))
    return path


def test_a_schedule_is_made_found_paused_resumed_and_deleted(client: Client, name: str) -> None:
    made = client.schedules.create(name, cron="30 2 * * *", timezone="Europe/Berlin", sweep=SWEEP, jitter="5m")
    found = client.schedules.get(name)
    assert found.detail() == made.detail()
    assert (found.seen.jitter, found.seen.overlap, found.detail().work.sweep) == ("5m", "skip", SWEEP)
    assert name in [handle.name for handle in client.schedules.list()]
    assert found.pause("moving house").pause_reason == "moving house"
    assert "paused" in repr(found)
    resumed = found.resume()
    assert (resumed.paused_at, resumed.next_at) == (None, made.seen.next_at)
    found.delete()
    with pytest.raises(NotFound, match=f"there is no schedule '{name}'"):
        made.detail()


def test_a_request_makes_the_same_schedule_again(client: Client, name: str) -> None:
    made = client.schedules.create(name, cron="30 2 * * *", sweep=Diagnostic(), templates={"blocks": "{instant:%d}"})
    request = made.detail().request
    with pytest.raises(Refused, match=f"there is a schedule '{name}' already"):
        client.schedules.submit(request)
    changed = client.schedules.submit(request.model_copy(update={"cron": "0 6 * * *"}), replace=True)
    assert (changed.seen.id, changed.seen.cron, changed.detail().work) == (made.seen.id, "0 6 * * *", request.work)
    fresh = client.schedules.submit(request.model_copy(update={"name": f"{name}-2"}), replace=True)
    assert fresh.detail().request == request.model_copy(update={"name": f"{name}-2"})


def test_what_comes_is_shown_before_and_after_it_is_made(client: Client, name: str) -> None:
    fields = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "sweep": SWEEP}
    request = ScheduleRequest(name=name, **fields, templates={"base.seed": "{instant:%Y%m%d}00"})
    before = client.schedules.preview(request, 3)
    assert [one.templated["base.seed"] for one in before] == [int(f"{one.instant:%Y%m%d}00") for one in before]
    assert {(one.due_at, f"{one.instant:%H:%M}") for one in before} == {(None, "02:30")}
    after = client.schedules.submit(request).preview(3)
    assert [(one.instant, one.due_at) for one in after] == [(one.instant, one.instant) for one in before]
    with pytest.raises(Refused, match=r'base\.seed: expected a whole number; came "x"'):
        client.schedules.preview(request.model_copy(update={"templates": {"base.seed": "x"}}))


def test_a_trigger_becomes_a_sweep_whose_end_is_seen(client: Client, name: str, look, api) -> None:
    schedule = client.schedules.create(name, cron="30 2 * * *", sweep=Diagnostic(blocks=1), tags=("t",))
    firing = schedule.trigger()
    assert firing.state == "due"
    look()
    running = schedule.firing(firing.instant)
    assert (running.state, schedule.detail().last) == ("running", running)
    sweep = client.sweep(running.sweep_id).status()
    assert (sweep.name, sweep.tags, sweep.jobs_total) == (f"{name} {firing.instant:%Y-%m-%d %H:%M}", ("t",), 1)
    client.sweep(running.sweep_id).cancel()
    with api.backend.engine.begin() as connection:
        end_sweeps(connection)
    look()
    ended = schedule.wait(firing, timeout=10)
    assert (ended.state, ended.reason) == ("cancelled", f"sweep {running.sweep_id} was cancelled")
    assert list(schedule.history(state="cancelled")) == [ended]
    with pytest.raises(NotFound, match="has no firing at"):
        schedule.firing(firing.instant + timedelta(seconds=1))


def test_a_backfill_takes_dates_by_the_clock_of_the_schedule(client: Client, name: str) -> None:
    schedule = client.schedules.create(name, cron="30 2 * * *", timezone="Australia/Sydney", sweep=Diagnostic())
    asked = schedule.backfill("2026-10-03", "2026-10-06", dry_run=True)
    assert [night.isoformat() for night in asked.fired] == [
        "2026-10-03T02:30:00+10:00",
        "2026-10-04T03:00:00+11:00",
        "2026-10-05T02:30:00+11:00",
    ]
    assert list(schedule.history()) == []
    day = datetime(2026, 10, 3).date()
    assert schedule.backfill(day, day + timedelta(days=3)).fired == asked.fired
    assert [firing.state for firing in schedule.history(limit=2)] == ["due", "due"]
    with pytest.raises(Refused, match="a backfill is of the past"):
        schedule.backfill("2026-10-03", "2999-01-01")
    with pytest.raises(Refused, match=r"expected a time such as 2026-11-20 .* came 'yesterday'"):
        schedule.backfill("yesterday", "2026-10-03")
    with pytest.raises(Refused, match="expected an end after the start"):
        schedule.backfill("2026-10-04", "2026-10-03")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cron": "61 * * * *"}, "cron: expected five fields .* its minute `61` cannot be read"),
        ({"cron": "0 0 30 2 *"}, "cron: .* its day of the month `30` is in none of its months `2`"),
        ({"timezone": "Berlin"}, "timezone: .* did you mean Europe/Berlin"),
        ({"templates": {"base.sed": "1"}}, "templates: base.sed: .* did you mean 'seed'"),
        ({"templates": {"base.seed": "{now}"}}, "templates.base.seed: unknown field of a template 'now'"),
        ({"sweep": Training(steps=1, data={"kind": "idx", "digest": "0" * 64})}, "no dataset of digest `0000"),
    ],
)
def test_mistakes_are_told_when_it_is_made(client: Client, name: str, fields: dict[str, object], told: str) -> None:
    with pytest.raises((Refused, NotFound), match=told):
        client.schedules.create(name, **{"cron": "30 2 * * *", "sweep": SWEEP, **fields})


def test_reading_is_not_submitting(api, client: Client, name: str) -> None:
    client.schedules.create(name, cron="30 2 * * *", sweep=Diagnostic())
    with Client(api.url, api.token("read")) as reader:
        seen = reader.schedules.get(name)
        assert seen.preview(1)
        for act in (seen.trigger, seen.pause, seen.resume, seen.delete):
            with pytest.raises(Unauthorized, match="submit"):
                act()


def test_the_address_and_the_body_name_one_schedule(api, problem, name: str) -> None:
    body = ScheduleRequest(name=name, cron="30 2 * * *", sweep=Diagnostic()).model_dump(mode="json")
    with api.client("submit") as submitter:
        answer = submitter.put("/v1/schedules/another", json=body)
    assert "expected a schedule named 'another' as the address says" in problem(answer, 422).detail


def test_commands_from_a_file_to_the_history(command: Command, file: Path, name: str, look) -> None:
    planned = json.loads(command("create", file, "--dry-run", "--json").stdout)
    assert planned[0]["label"].startswith(f"{name} 2")
    assert "base.seed" in command("create", file, "--dry-run").stdout
    assert f"schedule {name} first fires at" in command("create", file).stderr
    assert "already: replace it" in command("create", file).stderr
    assert command("create", file, "--replace", "--json").exit_code == 0
    assert name in command("list").stdout
    assert json.loads(command("list", "--json").stdout)[-1]["name"] == name
    assert "30 2 * * *  in Europe/Berlin" in command("show", name).stdout
    assert json.loads(command("show", name, "--json").stdout)["name"] == name
    coming = json.loads(command("preview", name, "-n", 2, "--json").stdout)
    shown = command("preview", name, "-n", 2).stdout
    assert all(str(one["templated"]["base.seed"]) in shown for one in coming)
    assert f"schedule {name} has no firing yet" in command("history", name).stderr
    assert "fires within seconds" in command("trigger", name).stderr
    look()
    assert "running" in command("history", name).stdout
    assert json.loads(command("history", name, "--state", "done", "--json").stdout) == []
    assert "has no firing that is done" in command("history", name, "--state", "done").stderr
    dry = command("backfill", name, "2026-11-01", "2026-11-03", "--dry-run")
    assert dry.stdout.splitlines() == ["2026-11-01T02:30:00+01:00", "2026-11-02T02:30:00+01:00"]
    assert "2 instants would fire; 0 have fired before" in dry.stderr
    assert "2 instants fire now" in command("backfill", name, "2026-11-01", "2026-11-03").stderr
    assert "is paused" in command("pause", name, "--reason", "quiet").stderr
    assert "s ago: quiet" in command("list").stdout
    assert "is paused: `holonomy schedule resume" in command("create", file, "--replace").stderr
    assert re.search(r"next fires at \d{4}-\d\d-\d\d 02:30\+0[12]:00", command("resume", name).stderr)
    assert f"schedule {name} is deleted" in command("delete", name).stderr
    assert command("show", name).exit_code == 2
    assert f"holonomy: there is no schedule '{name}'" in command("show", name).stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("30 2 * * *", "61 * * * *", ":2: cron: expected five fields"),
        ("Europe/Berlin", "Berlin", ":3: timezone: expected the name of a time zone"),
        ("instant:%Y", "now:%Y", ":5: templates.base.seed: unknown field"),
        ("steps: 1", "step: 1", ":11: sweep.base.step: is not a field"),
        ("optimizer.lr:", "optimizer.rl:", ":13: sweep: optimizer.rl: 'rl' is not a field of optimizer"),
        ("[0.1, 0.2]", "[-1, 0.2]", ":13: sweep: "),
        ("cron:", "corn:", "corn: is not a field"),
    ],
)
def test_a_mistake_in_a_file_names_its_line(command: Command, file: Path, old: str, new: str, told: str) -> None:
    file.write_text(file.read_text().replace(old, new, 1))
    done = command("create", file)
    assert done.exit_code == 2
    assert re.search(told, done.stderr), done.stderr


def test_a_file_that_is_a_list(command: Command, file: Path) -> None:
    file.write_text("[]")
    assert "expected a schedule, a mapping with `name`, `cron` and `sweep`" in command("create", file).stderr
