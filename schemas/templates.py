"""Text that is filled in from the instant at which a schedule fires, and from nothing else.

`{instant:%Y%m%d}` is the instant on the clock of the schedule's zone, in the numeric directives of strftime. The
others are whole numbers that grow from instant to instant, as seeds should: `{day}`, days from 1970-01-01 to the date
in that zone; `{week}`, whole weeks to it, which begin on Mondays; `{hour}` and `{minute}`, those since 1970-01-01 in
UTC, so that an hour which a change of clocks repeats has a number of its own. A brace itself is written twice.
"""

import string
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.nearest import unknown

FIELDS = ("instant", "day", "week", "hour", "minute")
DIRECTIVES = "YmdHMSjGVuyz%"
"""Of strftime; those that a locale would change are left out."""
_LONGEST = 200
_EXAMPLE = "expected directives of strftime such as {instant:%Y%m%d}"
_EPOCH_WEEKDAY = date(1970, 1, 1).weekday()


def checked_template(template: str) -> str:
    """The template itself.

    Raises:
        ValueError: its braces do not match, or a field is not one of `FIELDS`.
    """
    for _, field, directives in _parts(template):
        if field == "instant":
            _check_directives(template, directives)
        elif field is not None and directives:
            raise ValueError(f"{{{field}}} is a whole number and takes no format; came {template!r}")
    return template


def render(template: str, instant: datetime) -> str:
    """The text for an instant.

    Args:
        template: As `checked_template` takes it.
        instant: In the zone of the schedule.
    """
    return "".join(
        literal + ("" if field is None else _value(field, directives, instant))
        for literal, field, directives in _parts(template)
    )


def _value(field: str, directives: str, instant: datetime) -> str:
    days = (instant.date() - date(1970, 1, 1)).days
    match field:
        case "instant":
            return instant.strftime(directives)
        case "day":
            return str(days)
        case "week":
            return str((days + _EPOCH_WEEKDAY) // 7)
        case "hour":
            return str(int(instant.timestamp()) // 3_600)
        case _:
            return str(int(instant.timestamp()) // 60)


def _parts(template: str) -> Iterator[tuple[str, str | None, str]]:
    """Literal text, and the field after it with its format.

    Raises:
        ValueError: it is not a template.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{error}: a brace that is meant as such is written twice; came {template!r}") from None
    for literal, field, directives, conversion in parts:
        if field is not None and (field not in FIELDS or conversion is not None):
            shown = field if conversion is None else f"{field}!{conversion}"
            raise ValueError(f"{unknown('field of a template', shown, FIELDS)}; came {template!r}")
        yield literal, field, directives or ""


def _check_directives(template: str, directives: str) -> None:
    if "%" not in directives:
        raise ValueError(f"{_EXAMPLE}; came {template!r}")
    rest = iter(directives)
    for character in rest:
        if character == "%" and (following := next(rest, "")) not in [*DIRECTIVES]:
            raise ValueError(
                f"{_EXAMPLE}, of {', '.join(f'%{one}' for one in DIRECTIVES)}; came %{following} in {template!r}"
            )


Template = Annotated[str, Field(max_length=_LONGEST), AfterValidator(checked_template)]
"""Text with fields such as `{instant:%Y-%m-%d}`."""
