"""Where clocks change, in both hemispheres and by half an hour; and the same instants from wherever one looks."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from service.scheduler.instants import between, instants, is_fixed

# Expression, zone, the local date of the day before, and the next instants as that zone writes them.
CHANGES = [
    # Europe, spring: 02:00 becomes 03:00.
    ("30 2 * * *", "Europe/Berlin", "2026-03-28", ["28T02:30+01:00", "29T03:00+02:00", "30T02:30+02:00"]),
    ("0,15,30 2 * * *", "Europe/Berlin", "2026-03-29", ["29T03:00+02:00", "30T02:00+02:00", "30T02:15+02:00"]),
    ("0 2,3 * * *", "Europe/Berlin", "2026-03-29", ["29T03:00+02:00", "30T02:00+02:00", "30T03:00+02:00"]),
    ("*/30 2 * * *", "Europe/Berlin", "2026-03-29", ["30T02:00+02:00", "30T02:30+02:00", "31T02:00+02:00"]),
    ("30 * 29 3 *", "Europe/Berlin", "2026-03-29", ["29T00:30+01:00", "29T01:30+01:00", "29T03:30+02:00"]),
    # Europe, autumn: 03:00 becomes 02:00.
    ("30 2 * * *", "Europe/Berlin", "2026-10-24", ["24T02:30+02:00", "25T02:30+02:00", "26T02:30+01:00"]),
    ("0 3 * * *", "Europe/Berlin", "2026-10-25", ["25T03:00+01:00", "26T03:00+01:00"]),
    ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:45:00+02:00", ["26T02:30+01:00"]),
    ("*/30 2 * * *", "Europe/Berlin", "2026-10-25", ["25T02:00+02:00", "25T02:30+02:00", "25T02:00+01:00"]),
    (
        "30 * 25 10 *",
        "Europe/Berlin",
        "2026-10-25T02:00+02:00",
        ["25T02:30+02:00", "25T02:30+01:00", "25T03:30+01:00"],
    ),
    # North America: an hour at 02:00, on other days.
    ("30 2 * * *", "America/New_York", "2026-03-07", ["07T02:30-05:00", "08T03:00-04:00", "09T02:30-04:00"]),
    ("30 1 * * *", "America/New_York", "2026-10-31", ["31T01:30-04:00", "01T01:30-04:00", "02T01:30-05:00"]),
    # The southern hemisphere goes forward in October and back in April.
    ("30 2 * * *", "Australia/Sydney", "2026-10-03", ["03T02:30+10:00", "04T03:00+11:00", "05T02:30+11:00"]),
    ("30 2 * * *", "Australia/Sydney", "2026-04-04", ["04T02:30+11:00", "05T02:30+11:00", "06T02:30+10:00"]),
    # Lord Howe: half an hour. 02:00 becomes 02:30 in October, and 01:30 in April.
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03", ["03T02:15+10:30", "04T02:30+11:00", "05T02:15+11:00"]),
    ("45 2 * * *", "Australia/Lord_Howe", "2026-10-03", ["03T02:45+10:30", "04T02:45+11:00", "05T02:45+11:00"]),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04", ["04T01:45+11:00", "05T01:45+11:00", "06T01:45+10:30"]),
    ("*/20 1 5 4 *", "Australia/Lord_Howe", "2026-04-05T01:30+11:00", ["05T01:40+11:00", "05T01:40+10:30"]),
    ("*/20 2 * * *", "Australia/Lord_Howe", "2026-04-05", ["05T02:00+10:30", "05T02:20+10:30", "05T02:40+10:30"]),
    # Midnight itself is skipped, or repeated.
    ("0 0 * * *", "Africa/Cairo", "2026-04-23", ["23T00:00+02:00", "24T01:00+03:00", "25T00:00+03:00"]),
    ("*/30 0-1 24 4 *", "Africa/Cairo", "2026-04-24", ["24T01:00+03:00", "24T01:30+03:00"]),
    ("30 23 * * *", "Africa/Cairo", "2026-10-29", ["29T23:30+03:00", "30T23:30+02:00"]),
    # India has no changes.
    ("30 2 * * *", "Asia/Kolkata", "2026-03-28", ["28T02:30+05:30", "29T02:30+05:30", "30T02:30+05:30"]),
    ("0 0 29 2 *", "UTC", "2026-01-01", ["29T00:00+00:00", "29T00:00+00:00"]),
]
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Cairo",
]
EXPRESSIONS = [
    "30 2 * * *",
    "*/30 * * * *",
    "15,45 1-2 * * *",
    "*/20 2 * * *",
    "0 0 * * 0",
    "*/10 0 1-7 * *",
    "0 */3 * * *",
]
YEARS = [2024, 2026, 2031]


def moment(text: str, zone: ZoneInfo) -> datetime:
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=zone) if read.tzinfo is None else read


@pytest.mark.parametrize(("expression", "zone", "day", "expected"), CHANGES)
def test_clocks_change(expression: str, zone: str, day: str, expected: list[str]) -> None:
    its = ZoneInfo(zone)
    start = moment(day, its) - (timedelta(seconds=1) if len(day) == 10 else timedelta())
    found = list(islice(instants(expression, its, start), len(expected)))
    assert [instant.astimezone(its).isoformat("T", "minutes")[8:] for instant in found] == expected


def test_a_nightly_schedule_of_berlin_fires_once_when_clocks_go_back() -> None:
    zone = ZoneInfo("Europe/Berlin")
    day = moment("2026-10-25", zone), moment("2026-10-26", zone)
    assert [instant.isoformat() for instant in between("30 2 * * *", zone, *day)] == ["2026-10-25T00:30:00+00:00"]


@given(
    zone=st.sampled_from(ZONES),
    expression=st.sampled_from(EXPRESSIONS),
    year=st.sampled_from(YEARS),
    minutes=st.lists(st.integers(0, 366 * 24 * 60), min_size=1, max_size=4),
    second=st.floats(0, 59.9),
)
@settings(max_examples=25)
def test_a_walk_may_start_anywhere(zone: str, expression: str, year: int, minutes: list[int], second: float) -> None:
    its = ZoneInfo(zone)
    start = datetime(year, 1, 1, tzinfo=UTC)
    span = timedelta(days=20)
    for at in minutes:
        here = start + timedelta(minutes=at, seconds=second)
        whole = list(between(expression, its, here - span, here + span))
        assert whole == sorted(set(whole))
        assert list(between(expression, its, here, here + span)) == [one for one in whole if one > here]


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "America/St_Johns"]
)
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 * * * *", "*/20 2 * * *", "45 1,2 1-15 * 0", "30 */6 * * *"])
def test_it_agrees_with_cronsim_where_clocks_change_by_an_hour_in_the_night(zone: str, expression: str) -> None:
    its = ZoneInfo(zone)
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    theirs = []
    for instant in CronSim(expression, start.astimezone(its)):
        if instant > end:
            break
        theirs.append(instant.astimezone(UTC))
    assert list(between(expression, its, start, end)) == theirs


def test_rare_days_come_and_impossible_ones_end_the_walk() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert [day.year for day in islice(instants("0 0 29 2 *", ZoneInfo("UTC"), start), 2)] == [2028, 2032]
    first_and_fifth_tuesday = "0 0 */31 2 2#5"
    assert list(instants(first_and_fifth_tuesday, ZoneInfo("UTC"), start)) == []


@pytest.mark.parametrize(
    ("expression", "fixed"), [("0 2 * * *", True), ("*/5 2 * * *", False), ("5 */2 * * *", False)]
)
def test_fixed_times(expression: str, fixed: bool) -> None:
    assert is_fixed(expression) is fixed
