"""Names close to one that is not known, for error messages."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when a known name is close, else nothing."""
    lowered = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return f"; did you mean {lowered[close[0]]!r}?" if close else ""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """One line about an unknown name: what came, what is there, what was probably meant."""
    names = list(known)
    return f"unknown {what} {name!r}: expected one of {', '.join(names)}{did_you_mean(name, names)}"
