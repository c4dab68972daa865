"""Locks that make submissions of one spec line up. The unique index `jobs_latest` would stop them all the same.

A submission of one job locks the digests that it involves, in order, and shares a lock with all other submissions.
One of thousands of jobs cannot hold as many locks, and takes the shared one for itself: while it writes, others wait.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

_ALL = "submissions"
_ONE = text("select pg_advisory_xact_lock(hashtextextended(:what, 0))")
_SHARED = text("select pg_advisory_xact_lock_shared(hashtextextended(:what, 0))")


def lock_digests(connection: Connection, digests: Iterable[str]) -> None:
    """Wait until no other transaction makes jobs of these digests; then none does until this one ends."""
    connection.execute(_SHARED, {"what": _ALL})
    for digest in sorted(set(digests)):
        connection.execute(_ONE, {"what": f"job:{digest}"})


def lock_submissions(connection: Connection) -> None:
    """Wait until no other transaction makes jobs; then none does until this one ends. To be taken first, and late."""
    connection.execute(_ONE, {"what": _ALL})


def lock_key(connection: Connection, owner: str, key: str) -> None:
    """Wait until no other transaction answers the same request."""
    connection.execute(_ONE, {"what": f"key:{owner}:{key}"})
