"""Tickets: addresses of Parquet files that readers without our headers can open, polars for one.

A ticket is `<token>.<seconds>.<signature>`: the number of the token that asked for it, when it ends (Unix time), and
an HMAC-SHA256 of both under the stored hash of that token's secret, which never leaves the database. It ends with
its time or its token, lets in nowhere but to Parquet files, and needs no storage.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from service.api.problems import ProblemError

LIFETIME = timedelta(hours=12)
_LONGEST_NUMBER = 18
_KEY = text("select sha256 from tokens where id = :token and revoked_at is null")


def issue(connection: Connection, token_id: int, now: datetime) -> tuple[str, datetime]:
    """A ticket for the holder of a valid token, and when it ends."""
    ends = (now + LIFETIME).replace(microsecond=0)
    claim = f"{token_id}.{int(ends.timestamp())}"
    key = bytes(connection.execute(_KEY, {"token": token_id}).scalar_one())
    return f"{claim}.{_signature(key, claim)}", ends


def check(connection: Connection, ticket: str, now: datetime) -> None:
    """Return when a ticket lets its bearer in.

    Raises:
        ProblemError: 401, it does not.
    """
    claim, _, signature = ticket.rpartition(".")
    number, _, ends = claim.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) <= _LONGEST_NUMBER for part in (number, ends)):
        raise _refused("it is not one of ours")
    key = connection.execute(_KEY, {"token": int(number)}).scalar_one_or_none()
    if key is None:
        raise _refused("the token that asked for it was revoked")
    if not hmac.compare_digest(_signature(bytes(key), claim).encode(), signature.encode()):
        raise _refused("it is not one of ours")
    if now.timestamp() >= int(ends):
        raise _refused(f"it ended at {datetime.fromtimestamp(int(ends), UTC):%Y-%m-%d %H:%M:%S} UTC")


def _signature(key: bytes, claim: str) -> str:
    return hmac.new(key, f"parquet {claim}".encode(), hashlib.sha256).hexdigest()


def _refused(why: str) -> ProblemError:
    return ProblemError(
        "unauthorized",
        f"the ticket does not open this file: {why}; scan again for a new one",
        headers={"WWW-Authenticate": "Bearer"},
    )
