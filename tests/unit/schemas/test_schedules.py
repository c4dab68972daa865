from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from schemas.diagnostic import Diagnostic
from schemas.firing import submission_at, templated_at
from schemas.mistakes import InvalidSpec
from schemas.schedules import BackfillRequest, ScheduleRequest
from schemas.sweeps import Sweep, expand
from schemas.training import Training

NIGHT = datetime(2026, 11, 21, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
SWEEP = Sweep(base=Training(steps=1), axes={"optimizer.lr": [0.1, 0.2]}, seeds=3)


def request(**fields: object) -> ScheduleRequest:
    return ScheduleRequest(**{"name": "nightly", "cron": "30 2 * * *", "sweep": SWEEP, **fields})


def test_what_is_fired_is_apart_from_when() -> None:
    whole = request(jitter="90s", templates={"seed": "{day}"}, tags=("nightly",), priority=3)
    assert set(whole.work.model_dump()) == set(whole.model_dump()) - {
        "name", "cron", "timezone", "overlap", "catch_up", "jitter", "max_failures",
    }  # fmt: skip
    assert (whole.work.sweep, whole.work.priority, whole.longest_jitter) == (SWEEP, 3, timedelta(seconds=90))
    assert ScheduleRequest.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cron": "61 * * * *"}, "cron: expected five fields .* its minute `61` cannot be read"),
        ({"timezone": "Berlin"}, "timezone: expected the name of a time zone .* did you mean Europe/Berlin"),
        (
            {"catch_up": "59s"},
            "catch_up: expected 1m or more, since a scheduler may take that long to start; came 59s",
        ),
        ({"jitter": "soon"}, "jitter: expected a length of time"),
        ({"overlap": "none"}, "overlap: expected 'skip', 'queue', 'cancel-previous' or 'allow'"),
        ({"max_failures": 0}, "max_failures: expected greater than or equal to 1"),
        ({"templates": {"seed": "{now}"}}, "templates.seed: unknown field of a template 'now'"),
        ({"sweep": {"kind": "sweeps"}}, "sweep: unknown kind 'sweeps'"),
        ({"name": "a b"}, "name: expected at most 100 letters"),
    ],
)
def test_mistakes(fields: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidSpec, match=told):
        request(**fields)


def test_the_sweep_of_an_instant_has_its_seed_name_and_tags() -> None:
    work = request(
        templates={"base.seed": "{instant:%Y%m%d}00"},
        tags=("nightly", "{instant:%G-W%V}"),
        label="on {instant:%d.%m.}",
    ).work
    fired = submission_at(work, "nightly", NIGHT)
    assert (fired.name, fired.tags, fired.fresh) == ("on 21.11.", ("nightly", "2026-W47"), True)
    assert [point.spec.seed for point in expand(fired.sweep)] == 2 * [2026112100, 2026112101, 2026112102]
    assert templated_at(work, NIGHT) == {"base.seed": 2026112100}
    assert submission_at(work, "nightly", NIGHT) == fired


def test_a_job_is_a_sweep_of_one_point() -> None:
    work = request(sweep=Training(steps=1), templates={"optimizer.lr": "0.{day}"}, max_running_jobs=2).work
    fired = submission_at(work, "nightly", NIGHT)
    assert [point.spec.optimizer.lr for point in expand(fired.sweep)] == [0.20778]
    assert (fired.name, fired.max_running_jobs) == ("nightly 2026-11-21 02:30", 2)


@pytest.mark.parametrize(
    ("templates", "told"),
    [
        ({"base.sed": "{day}"}, "templates: base.sed: 'sed' is not a field of .* did you mean 'seed'"),
        ({"seeds[0]": "{day}"}, "templates: seeds"),
        ({"base.seed": "x{day}"}, 'with its templates filled in for 2026-11-21 02:30: base.seed: .*came "x20778"'),
        ({"base.steps": "-{day}"}, "base.steps: expected greater than or equal to 0"),
        ({"not a path": "1"}, "templates: 'not a path' is not the path of a field"),
    ],
)
def test_templates_that_lead_nowhere_or_do_not_fit(templates: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidSpec, match=told):
        submission_at(request(templates=templates).work, "nightly", NIGHT)


def test_a_diagnostic_has_nothing_to_seed() -> None:
    assert submission_at(request(sweep=Diagnostic(blocks=2)).work, "n", NIGHT).sweep.base == Diagnostic(blocks=2)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC), "start: expected a time with its zone"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2), "end: expected a time with its zone"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "expected an end after the start"),
        (
            datetime(1969, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
            "start: expected a time in this century",
        ),
    ],
)
def test_a_backfill_is_of_a_time(start: datetime, end: datetime, told: str) -> None:
    with pytest.raises((InvalidSpec, ValidationError), match=told):
        BackfillRequest(start=start, end=end)
