"""Cron expressions and time zones as fields of a spec, checked when they are written down.

Five fields: minute, hour, day of the month, month, day of the week. Where both days are restricted (neither begins
with a star), either is enough, as in Debian's cron. `L` is the last day of a month, `5#2` its second Friday.
"""

import difflib
import zoneinfo
from datetime import UTC, datetime
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

YEARS_AHEAD = 30
"""An expression that names nothing in so many years never fires: 29 February on a Monday comes every 28."""
_EXAMPLE = "expected five fields (minute, hour, day of the month, month, day of the week) such as `30 2 * * *`"
_LONGEST = 200
_PARTS = {
    "minute": "minute",
    "hour": "hour",
    "day-of-month": "day of the month",
    "month": "month",
    "day-of-week": "day of the week",
}
"""What cronsim calls the fields, and what we do."""
# Leap days come in a cycle of 28 years between 1901 and 2099.
_FROM = datetime(2024, 1, 1, tzinfo=UTC)


def checked_cron(expression: str) -> str:
    """The expression with single spaces.

    Raises:
        ValueError: it is not one of five fields, or never fires.
    """
    fields = expression.split()
    shown = f"came {expression[:60]!r}"
    if len(fields) != 5:
        hint = "; there are no names such as @daily" if expression.startswith("@") else ""
        raise ValueError(f"{_EXAMPLE}; {shown}, with {len(fields)}{hint}")
    joined = " ".join(fields)
    try:
        first = next(CronSim(joined, _FROM), None)
    except CronSimError as error:
        raise ValueError(_refusal(str(error), shown, fields)) from None
    if first is None or first.year >= _FROM.year + YEARS_AHEAD:
        raise ValueError(f"expected a cron expression that fires; there is no such day: {shown}")
    return joined


def _refusal(message: str, shown: str, fields: list[str]) -> str:
    part = message.removeprefix("Bad ")
    if part not in _PARTS:
        return f"{_EXAMPLE}; {shown}"
    position = list(_PARTS).index(part)
    if part == "day-of-month" and fields[position].replace(",", "").isdigit():
        return f"{_EXAMPLE}; its day of the month `{fields[2]}` is in none of its months `{fields[3]}`: {shown}"
    return f"{_EXAMPLE}; its {_PARTS[part]} `{fields[position]}` cannot be read: {shown}"


def checked_zone(name: str) -> str:
    """The name of a time zone of the IANA database.

    Raises:
        ValueError: there is none of that name; the nearest are listed.
    """
    known = zoneinfo.available_timezones()
    if name in known:
        return name
    near = _near(name, known)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"expected the name of a time zone such as Europe/Berlin or UTC; came {name[:60]!r}{meant}")


def _near(name: str, known: set[str]) -> list[str]:
    """Up to three names that are written alike, or whose city is."""
    lowered = name.lower().replace(" ", "_")
    cities = {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(known, reverse=True)}
    whole = {zone.lower(): zone for zone in known}
    close = [cities[city] for city in difflib.get_close_matches(lowered.rsplit("/", 1)[-1], cities, n=2, cutoff=0.75)]
    close += [whole[zone] for zone in difflib.get_close_matches(lowered, whole, n=2, cutoff=0.75)]
    return list(dict.fromkeys(close))[:3]


Cron = Annotated[str, Field(max_length=_LONGEST), AfterValidator(checked_cron)]
Timezone = Annotated[str, Field(max_length=100), AfterValidator(checked_zone)]
