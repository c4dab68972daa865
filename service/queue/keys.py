"""Idempotency keys: a request that is sent again with its key is answered as it was the first time."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from service.errors import Conflict
from service.queue.locks import lock_key

_FIND = text("select request, job_id, sweep_id from idempotency_keys where submitted_by = :by and key = :key")
_KEEP = text("""
    insert into idempotency_keys (submitted_by, key, request, job_id, sweep_id)
    values (:by, :key, :request, :job, :sweep)
""")


@dataclass(frozen=True)
class Key:
    """The key of a request.

    Attributes:
        owner: Name of the token.
        key: Chosen by the client; None when it chose none, and then nothing is remembered.
        request: Digest of the submission.
    """

    owner: str
    key: str | None
    request: str

    def earlier(self, connection: Connection) -> int | None:
        """Number of the job or sweep that an earlier request with this key gave; waits for one that is under way.

        Raises:
            Conflict: the key came before with another submission.
        """
        if self.key is None:
            return None
        lock_key(connection, self.owner, self.key)
        found = connection.execute(_FIND, {"by": self.owner, "key": self.key}).one_or_none()
        if found is None:
            return None
        if found.request != self.request:
            what = f"sweep {found.sweep_id}" if found.job_id is None else f"job {found.job_id}"
            raise Conflict(
                "idempotency_key_reused",
                f"the idempotency key came before with another submission, that of {what}: "
                "use a new key for each submission",
            )
        return int(found.sweep_id if found.job_id is None else found.job_id)

    def keep(self, connection: Connection, *, job_id: int | None = None, sweep_id: int | None = None) -> None:
        """Remember what the request gave."""
        if self.key is not None:
            values = {"by": self.owner, "key": self.key, "request": self.request, "job": job_id, "sweep": sweep_id}
            connection.execute(_KEEP, values)
