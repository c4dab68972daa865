"""Keeps apart those who name an object that may be in the bucket already and those who collect what nobody names.

Keys of blocks need no lock: only the attempt that holds the block can name them. A key made of a digest may be named
by anyone at any time, so whoever names one holds this lock, and under it sees to it that the object is there.
"""

from sqlalchemy import Connection, text

_WHAT = "objects are named"
_SHARED = text("select pg_advisory_xact_lock_shared(hashtextextended(:what, 0))")
_EXCLUSIVE = text("select pg_advisory_xact_lock(hashtextextended(:what, 0))")
# The object store is asked while the lock is held, and may take its time.
_PATIENT = text("select set_config('idle_in_transaction_session_timeout', '0', true)")


def hold_names(connection: Connection) -> None:
    """Until this transaction ends, nothing is collected."""
    connection.execute(_PATIENT)
    connection.execute(_SHARED, {"what": _WHAT})


def hold_collection(connection: Connection) -> None:
    """Until this transaction ends, nobody names an object by its digest."""
    connection.execute(_PATIENT)
    connection.execute(_EXCLUSIVE, {"what": _WHAT})
