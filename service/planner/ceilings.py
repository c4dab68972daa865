"""The most that one job may ask for."""

from service.errors import Refused

MAX_BLOCKS = 1_000_000
MAX_ROWS = 200_000_000
"""Rows of one result table."""
MAX_OBJECT_BYTES = 2**40
"""Bytes of each kind of array."""


def check_rows(what: str, product: str, total: int, advice: str) -> None:
    """Refuse a result table that would be too long.

    Raises:
        Refused: `too_large`, with the arithmetic.
    """
    if total > MAX_ROWS:
        raise Refused(
            "too_large", f"a job stores at most {MAX_ROWS:,} {what}; this one has {product} = {total:,}: {advice}"
        )


def check_bytes(product: str, total: int) -> None:
    """Refuse arrays that would be too large.

    Raises:
        Refused: `too_large`, with the arithmetic.
    """
    if total > MAX_OBJECT_BYTES:
        raise Refused(
            "too_large",
            f"a job stores at most {MAX_OBJECT_BYTES:,} bytes of each kind of array; this one asks for {product} "
            f"= {total:,} bytes",
        )
