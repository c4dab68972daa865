"""Cursors of paged lists: opaque to clients, a list's name and the last number seen inside.

Pages are cut by key, not by offset, so that rows which arrive meanwhile neither repeat nor hide others.
"""

import base64
import binascii

from service.api.problems import ProblemError


def encode(listing: str, last: str | None) -> str | None:
    """The cursor of the page after number `last` of a listing; None after the last page."""
    if last is None:
        return None
    return base64.urlsafe_b64encode(f"{listing}:{last}".encode()).decode().rstrip("=")


def decode(listing: str, cursor: str | None) -> int | None:
    """The number inside a cursor; None when there is no cursor.

    Raises:
        ProblemError: it is not a cursor of this listing.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, _, number = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        name, number = "", ""
    if name != listing or not number.isdigit() or len(number) > 18:
        raise ProblemError(
            "invalid", f"cursor {cursor[:80]!r} is not one of this list: pass `next` of the page before, unchanged"
        )
    return int(number)
