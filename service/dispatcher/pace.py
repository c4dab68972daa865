"""How many blocks go into a call and how many are held ready, from the seconds that blocks were measured to take.

A call should last about a tenth of a second: long enough to make Ray's price per call (about 0.4 ms) small, short
enough that a cancelled or lost call costs little. Blocks whose time is unknown go one to a call.
"""

from collections import OrderedDict
from math import ceil

Key = tuple[str, str]
"""Digest of the job's spec, and kind of the block."""

CALL_SECONDS = 0.1
_FLOOR_SECONDS = 0.0002  # what a block costs outside the worker, however fast it is there
_MAX_CALLS = 32
_MAX_BLOCKS = 256
_WEIGHT = 0.2
_MAX_KEYS = 1_000


class Pace:
    """Measured seconds per block, and the sizes that follow from them."""

    def __init__(self, max_pack: int) -> None:
        if max_pack < 1:
            raise ValueError(f"a call carries at least 1 block; came {max_pack}")
        self._max_pack = max_pack
        self._seconds: OrderedDict[Key, float] = OrderedDict()

    def observe(self, key: Key, seconds: float) -> None:
        """Take note of one block that finished."""
        known = self._seconds.get(key)
        self._seconds[key] = seconds if known is None else known + _WEIGHT * (seconds - known)
        if known is None and len(self._seconds) > _MAX_KEYS:
            self._seconds.popitem(last=False)

    def expected(self, key: Key) -> float | None:
        """Seconds such a block is likely to take; None when none has finished yet."""
        seconds = self._seconds.get(key)
        return None if seconds is None else max(seconds, _FLOOR_SECONDS)

    def pack(self, key: Key) -> int:
        """Blocks in one call."""
        seconds = self.expected(key)
        return 1 if seconds is None else max(1, min(self._max_pack, int(CALL_SECONDS / seconds)))

    def calls(self, key: Key) -> int:
        """Calls at one slot at once, the running one included: one when calls are long, more when they are short."""
        seconds = self.expected(key)
        if seconds is None:
            return 1
        pack = self.pack(key)
        return max(1, min(_MAX_CALLS, _MAX_BLOCKS // pack, 1 + int(CALL_SECONDS / (seconds * pack))))

    def reserve(self, key: Key) -> int:
        """Blocks per slot to hold claimed but not yet sent, so that a slot need not wait for the database.

        None for blocks of seconds: a claim takes milliseconds, and another dispatcher may have a free slot.
        """
        seconds = self.expected(key)
        if seconds is None or seconds > 2.0:
            return 0
        return min(_MAX_BLOCKS, ceil(CALL_SECONDS / seconds))
