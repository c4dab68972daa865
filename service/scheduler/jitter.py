"""How long after its instant a firing is due: the same however often one asks, and on every host."""

import hashlib
from datetime import datetime, timedelta


def jitter_of(schedule_id: int, instant: datetime, longest: timedelta) -> timedelta:
    """A delay in [0, longest), evenly distributed over the instants of a schedule; whole milliseconds."""
    named = f"holonomy jitter {schedule_id} {int(instant.timestamp())}"
    share = int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big") / 2**64
    return timedelta(milliseconds=int(share * longest.total_seconds() * 1000))
