"""How long to wait with more blocks while something that they need is away, such as the bucket.

Otherwise each of a million blocks would be claimed, fail within milliseconds and be put back, over and over: a log of
failures without end, and an index whose head is full of blocks that wait for their next try.
"""

import time

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.5, 15.0


class Patience:
    """Pauses that double while blocks keep failing for an absence, and end with the first that succeeds."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._until = 0.0
        self.reason = ""
        """What was away the last time."""

    @property
    def tried(self) -> bool:
        """Whether the last word was that something is away."""
        return self._pause > 0.0

    @property
    def waiting(self) -> bool:
        """Whether to send nothing now."""
        return self.tried and time.monotonic() < self._until

    def away(self, reason: str) -> None:
        """A block failed because something was away."""
        self.reason = reason
        if not self.waiting:
            self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LAST_PAUSE_SECONDS)
            self._until = time.monotonic() + self._pause

    def there(self) -> None:
        """A block succeeded."""
        self._pause = 0.0
