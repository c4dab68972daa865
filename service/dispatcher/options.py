"""How a dispatcher behaves: the service's settings and the few figures that only benches and tests change."""

import os
import socket
import time
from dataclasses import dataclass, field
from typing import Literal, Self

from service.settings import Settings

Device = Literal["cpu", "cuda"]


def _identity() -> str:
    """Host, process and start: never the same twice."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(time.time())}"


@dataclass(frozen=True)
class Options:
    """Times in seconds."""

    name: str = field(default_factory=_identity)
    """Holder of the leases, and what the status shows."""
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 2.0
    """Between renewals; also how soon a cancelled block hears of it."""
    grace_seconds: float = 10.0
    """How long a cancelled block, or the whole dispatcher told to stop, may take."""
    slots: int | None = None
    """CPU slots; None takes every core of the cluster that no GPU slot needs."""
    max_pack: int = 32
    """Most blocks in one call."""
    batch: int = 200
    """Most blocks in one claim or one commit."""
    plan_seconds: float = 0.5
    """Between looks for jobs that can be planned."""
    rescue_seconds: float = 5.0
    """Between looks for expired leases."""
    explain_seconds: float = 2.0
    """Between refreshes of the reasons why things wait."""
    silence_seconds: float = 15.0
    """Without an answer from the database for so long, the dispatcher says that it is not ready."""
    ray_failures: int = 3
    """Failed probes of the Ray head, 2 s apart, after which the dispatcher gives up and exits."""
    hang_seconds: float = 60.0
    """Without a turn of the loop for so long, the dispatcher gives up and exits."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """What the settings say, and the rest as it is measured to be good."""
        return cls(
            lease_seconds=settings.lease_seconds,
            heartbeat_seconds=min(2.0, settings.lease_seconds / 3),
            grace_seconds=settings.grace_seconds,
            slots=settings.slots,
            # The last turn is followed by two graces at most.
            hang_seconds=60.0 + 2 * settings.grace_seconds,
        )
