"""The blocks a dispatcher holds under a lease: from the claim until the commit is through."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from service.dispatcher.options import Device
from service.dispatcher.pace import Key
from service.queue.claim import Claimed


@dataclass(slots=True, eq=False)
class Held:
    """One block under our lease."""

    claimed: Claimed
    device: Device
    key: Key
    cancelled: bool = False
    """Its job is being cancelled."""
    concluded: bool = False
    """Its outcome is with the committer, whose statement is fenced by the token."""
    dropped: bool = False
    """The lease is lost: whatever comes of the block is not ours to commit."""


def hold(claimed: Claimed, device: Device) -> Held:
    """A block just claimed."""
    return Held(claimed, device, (claimed.digest, claimed.kind))


class Ledger:
    """Held blocks by id. Shared by the threads of a dispatcher."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._lock = threading.Lock()

    def add(self, blocks: Iterable[Held]) -> None:
        """Take responsibility for blocks."""
        with self._lock:
            self._held.update((held.claimed.block_id, held) for held in blocks)

    def remove(self, blocks: Iterable[Held]) -> None:
        """Forget blocks that were committed, released or lost. One claimed again meanwhile is kept."""
        with self._lock:
            for held in blocks:
                if self._held.get(held.claimed.block_id) is held:
                    del self._held[held.claimed.block_id]

    def tokens(self) -> dict[int, UUID]:
        """Block ids with the tokens of their leases, for renewal."""
        with self._lock:
            return {block_id: held.claimed.token for block_id, held in self._held.items() if not held.dropped}

    def find(self, block_ids: Iterable[int]) -> list[Held]:
        """Those of the blocks that are held."""
        with self._lock:
            return [self._held[block_id] for block_id in block_ids if block_id in self._held]

    def __len__(self) -> int:
        return len(self._held)
