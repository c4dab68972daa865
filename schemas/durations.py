"""Lengths of time as people write them: `30s`, `90m`, `1h`, `2d`, `1h30m`."""

import re
from typing import Annotated

from pydantic import AfterValidator

LONGEST_SECONDS = 366 * 86_400
_WRITTEN = re.compile(
    r"(?:(?P<d>[0-9]{1,9})d)?(?:(?P<h>[0-9]{1,9})h)?(?:(?P<m>[0-9]{1,9})m)?(?:(?P<s>[0-9]{1,9})s)?|0"
)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def seconds_of(duration: str) -> int:
    """Seconds of a length of time.

    Raises:
        ValueError: it is not written as one, or is longer than a year.
    """
    written = _WRITTEN.fullmatch(duration)
    if written is None or not duration:
        raise ValueError(f"expected a length of time such as 30s, 90m, 1h30m or 2d; came {duration[:40]!r}")
    seconds = sum(int(number) * _SECONDS[unit] for unit, number in written.groupdict(default="0").items())
    if seconds > LONGEST_SECONDS:
        raise ValueError(f"expected at most a year, 366d; {duration[:40]} is {seconds / 86_400:,.0f} days")
    return seconds


def duration_of(seconds: int) -> str:
    """A length of time in the units that write it shortest; `0s` for none."""
    parts = []
    for unit, size in _SECONDS.items():
        count, seconds = divmod(seconds, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def _canonical(duration: str) -> str:
    return duration_of(seconds_of(duration))


Duration = Annotated[str, AfterValidator(_canonical)]
"""A length of time of at most a year, in whole seconds."""
