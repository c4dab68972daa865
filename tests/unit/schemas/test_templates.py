from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.templates import checked_template, render

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 11, 21, 2, 30, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("nightly", "nightly"),
        ("nightly {instant:%Y-%m-%d}", "nightly 2026-11-21"),
        ("{instant:%Y%m%d}00", "2026112100"),
        ("{instant:%H:%M%z}", "02:30+0100"),
        ("{instant:%G-W%V-%u}", "2026-W47-6"),
        ("{day}", str((datetime(2026, 11, 21) - datetime(1970, 1, 1)).days)),
        ("{hour} {minute}", f"{int(NIGHT.timestamp()) // 3600} {int(NIGHT.timestamp()) // 60}"),
        ("{{{day}}}", "{20778}"),
    ],
)
def test_text_of_an_instant(template: str, text: str) -> None:
    assert render(checked_template(template), NIGHT) == text


def test_weeks_begin_on_mondays() -> None:
    sunday = datetime(2026, 11, 22, 23, 59, tzinfo=BERLIN)
    week = int(render("{week}", sunday))
    assert [int(render("{week}", sunday + timedelta(days=days))) - week for days in (-6, 0, 1, 7, 8)] == [
        0,
        0,
        1,
        1,
        2,
    ]


def test_an_hour_that_comes_twice_has_two_numbers() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    again = first.replace(fold=1)
    assert render("{instant:%H:%M} {day}", first) == render("{instant:%H:%M} {day}", again)
    assert int(render("{hour}", again)) == int(render("{hour}", first)) + 1


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (
            "{days}",
            "unknown field of a template 'days': expected one of instant, day, week, hour, minute; did you mean",
        ),
        ("{}", "unknown field of a template ''"),
        ("{0}", "unknown field of a template '0'"),
        ("{instant.year:%Y}", "unknown field of a template 'instant.year'"),
        ("{instant.__class__:%Y}", "unknown field of a template 'instant.__class__'"),
        ("{instant!r:%Y}", "unknown field of a template 'instant!r'"),
        ("{instant}", "expected directives of strftime such as {instant:%Y%m%d}; came '{instant}'"),
        ("{instant:{day}}", "expected directives of strftime"),
        ("{instant:%A}", "came %A in"),
        ("{instant:%}", "came % in"),
        ("{day:03d}", "{day} is a whole number and takes no format"),
        ("{day", "a brace that is meant as such is written twice"),
        ("day}", "a brace that is meant as such is written twice"),
    ],
)
def test_what_is_no_template(template: str, told: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is compared as it stands, not as a pattern
        checked_template(template)
    assert told in str(refused.value)


@given(st.text(max_size=30))
def test_text_with_its_braces_twice_is_itself(text: str) -> None:
    assert render(checked_template(text.replace("{", "{{").replace("}", "}}")), NIGHT) == text
