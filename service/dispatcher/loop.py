"""The loop that keeps slots busy: claimed blocks go out in calls, outcomes come back, late and cancelled calls end.

It runs on the main thread and is the only one that talks to Ray. The database is the other threads' business, so
that a slow or absent one never stops it.
"""

import time
from collections import deque
from collections.abc import Mapping
from math import ceil
from queue import Empty
from typing import Any

import ray
import structlog
from ray.exceptions import RayTaskError

from service.dispatcher.claimer import Claimer
from service.dispatcher.committer import Committer, Release
from service.dispatcher.ledger import Held, Ledger
from service.dispatcher.options import Device, Options
from service.dispatcher.pace import CALL_SECONDS, Pace
from service.dispatcher.patience import Patience
from service.dispatcher.pool import Call, Pool, Ref, Slot
from service.dispatcher.signals import Claims, Inbox, Stop, Wake
from service.dispatcher.verdicts import broken, cancelled, lost, verdict
from workers.runtime.messages import Order, Success, Task, decode_outcomes

# An outcome that is ready may still have to come from a host that is cut off meanwhile.
_FETCH_SECONDS = 20.0
_HUNGRY_WAIT_SECONDS, _BUSY_WAIT_SECONDS = 0.005, 0.05


class Loop:
    """State of the loop; `turn` is one round."""

    def __init__(
        self,
        pool: Pool,
        claimers: Mapping[Device, Claimer],
        committer: Committer,
        ledger: Ledger,
        inbox: Inbox,
        options: Options,
    ) -> None:
        self._pool = pool
        self._claimers = claimers
        self._committer = committer
        self._ledger = ledger
        self._inbox = inbox
        self._options = options
        self._pace = Pace(options.max_pack)
        self._patience = Patience()
        self._backlog: dict[Device, deque[Held]] = {device: deque() for device in claimers}
        self._asked: set[Device] = set()
        self._calls: dict[Ref, tuple[Slot, Call]] = {}
        self._probes: dict[Ref, Slot] = {}
        self._kills: dict[Slot, float] = {}
        self._log = structlog.get_logger("dispatcher.loop")
        self.draining = False

    @property
    def idle(self) -> bool:
        """Whether nothing is claimed, asked for or running."""
        return not self._calls and not self._asked and not any(self._backlog.values())

    def slots(self) -> dict[str, int]:
        """Slots that are up or coming up, by device: jobs that are planned meanwhile are cut for all of them."""
        return {device: sum(slot.device == device for slot in self._pool) for device in self._claimers}

    def busy(self) -> dict[str, int]:
        """Slots with something to do, by device."""
        return {device: sum(bool(slot.calls) for slot in self._pool.up(device)) for device in self._claimers}

    def turn(self) -> None:
        """One round: hear, send, ask for more, wait a little for outcomes, end what is late."""
        self._hear()
        if not self.draining:
            for slot in self._pool.refresh():
                self._probes[slot.ready] = slot
            if self._patience.waiting:
                self._put_off()
            else:
                for device in self._claimers:
                    self._send(device)
                    self._ask(device)
        self._await()
        self._end_late()

    def drain(self) -> None:
        """Send nothing more; what was not started goes back to the queue."""
        self.draining = True
        for backlog in self._backlog.values():
            self._give_back(backlog)
            backlog.clear()

    def abandon(self) -> None:
        """Expect nothing more of what still runs; its blocks go back to the queue."""
        for slot in list(self._pool):
            self._give_back([held for call in slot.calls for held in call.blocks])
            self._forget(slot)
            self._pool.remove(slot)

    def _hear(self) -> None:
        """Take in everything that other threads have said."""
        block = not self._calls and not self._probes
        try:
            signal = self._inbox.get(timeout=_BUSY_WAIT_SECONDS) if block else self._inbox.get_nowait()
            while True:
                match signal:
                    case Claims(device, blocks):
                        self._asked.discard(device)
                        if self.draining:
                            self._give_back(blocks)
                        else:
                            self._backlog[device].extend(blocks)
                    case Stop(blocks):
                        self._stop(blocks)
                    case Wake():
                        pass
                signal = self._inbox.get_nowait()
        except Empty:
            return

    def _send(self, device: Device) -> None:
        """Deal the backlog to slots with room, the emptiest first."""
        backlog = self._backlog[device]
        slots = self._pool.up(device)
        while backlog:
            key = backlog[0].key
            room = [slot for slot in slots if len(slot.calls) < self._pace.calls(key)]
            if not room:
                return
            share = ceil(len(backlog) / len(slots))
            blocks = self._take(backlog, min(self._pace.pack(key), share))
            self._call(min(room, key=lambda slot: len(slot.calls)), blocks)

    def _put_off(self) -> None:
        """What they need is away for now: the blocks claimed for later wait in the queue, with the reason."""
        for backlog in self._backlog.values():
            for held in backlog:
                self._committer.put((held, broken(held, "unavailable", self._patience.reason)))
            backlog.clear()

    def _take(self, backlog: deque[Held], limit: int) -> list[Held]:
        """The next blocks for one call: of one kind; one that was run before goes alone: it may kill."""
        first = backlog.popleft()
        blocks = [first]
        if first.claimed.run > 1:
            return blocks
        while backlog and len(blocks) < limit and backlog[0].key == first.key and backlog[0].claimed.run == 1:
            blocks.append(backlog.popleft())
        return blocks

    def _call(self, slot: Slot, blocks: list[Held]) -> None:
        specs: dict[str, str] = {}
        tasks = []
        for held in blocks:
            block = held.claimed
            specs[block.digest] = block.spec_json
            tasks.append(
                Task(
                    block.block_id,
                    block.job_id,
                    block.run,
                    str(block.token),
                    block.digest,
                    block.payload_json,
                    block.inputs_json,
                    block.shrink,
                )
            )
        ref = slot.actor.run.remote(Order(specs, tasks).encode())
        call = Call(blocks)
        slot.calls.append(call)
        self._calls[ref] = (slot, call)
        if len(slot.calls) == 1:
            self._start_clock(slot)

    def _start_clock(self, slot: Slot) -> None:
        """Give the call at the head of a slot the time of its slowest block, if all of them have a limit.

        Blocks that share a call are expected to take a part of `CALL_SECONDS`; at most one of them hangs.
        """
        call = slot.calls[0]
        limits = [held.claimed.timeout_seconds for held in call.blocks]
        known = [limit for limit in limits if limit is not None]
        if len(known) == len(limits):
            call.deadline = time.monotonic() + max(known) + CALL_SECONDS * (len(known) - 1)

    def _ask(self, device: Device) -> None:
        """Ask for blocks where slots have room or the reserve is short, unless an answer is outstanding."""
        slots = self._pool.up(device)
        if device in self._asked or not slots:
            return
        backlog = self._backlog[device]
        key = backlog[-1].key if backlog else self._last_key(slots)
        if key is None or self._patience.tried:
            wanted = len(slots)
        else:
            pack, calls = self._pace.pack(key), self._pace.calls(key)
            room = sum(pack * max(0, calls - len(slot.calls)) for slot in slots)
            wanted = room + self._pace.reserve(key) * len(slots) - len(backlog)
        if wanted > 0:
            self._asked.add(device)
            self._claimers[device].ask(wanted)

    def _last_key(self, slots: list[Slot]) -> tuple[str, str] | None:
        """The kind of block that was sent last, as far as anything is running."""
        return next((slot.calls[-1].blocks[-1].key for slot in slots if slot.calls), None)

    def _await(self) -> None:
        """Wait for outcomes: briefly while a slot is free and claims may come in."""
        refs = [*self._calls, *self._probes]
        if not refs:
            return
        hungry = bool(self._asked) and any(not slot.calls for slot in self._pool)
        patience = _HUNGRY_WAIT_SECONDS if hungry else _BUSY_WAIT_SECONDS
        ready, waiting = ray.wait(refs, num_returns=1, timeout=patience)
        if not ready:
            return
        if waiting:
            more, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
            ready.extend(more)
        self._collect([ref for ref in ready if ref in self._calls])
        for ref in ready:
            if ref in self._probes:
                self._greet(ref)

    def _collect(self, refs: list[Ref]) -> None:
        """Take the outcomes of finished calls. All at once; one at a time only when one of them is a fault."""
        try:
            answers: list[bytes] = ray.get(refs, timeout=_FETCH_SECONDS)
        except Exception:
            for ref in refs:
                self._collect_one(ref)
            return
        for ref, answer in zip(refs, answers, strict=True):
            self._finish(ref, answer)

    def _collect_one(self, ref: Ref) -> None:
        if ref not in self._calls:
            return  # its slot died with a call before it
        try:
            answer: Any = ray.get(ref, timeout=_FETCH_SECONDS)
        except RayTaskError as error:
            for held in self._finished_call(ref).blocks:
                self._committer.put((held, broken(held, "internal", f"the worker failed: {error.cause}", str(error))))
        except Exception as error:
            self._bury(self._calls[ref][0], error)
        else:
            self._finish(ref, answer)

    def _finish(self, ref: Ref, answer: bytes) -> None:
        for held, outcome in zip(self._finished_call(ref).blocks, decode_outcomes(answer), strict=True):
            if isinstance(outcome, Success):
                self._pace.observe(held.key, outcome.seconds)
                self._patience.there()
            elif outcome.kind == "unavailable":
                self._patience.away(outcome.message)
            self._committer.put((held, verdict(held, outcome)))

    def _finished_call(self, ref: Ref) -> Call:
        slot, call = self._calls.pop(ref)
        slot.calls.remove(call)
        self._kills.pop(slot, None)
        if slot.calls:
            self._start_clock(slot)
        return call

    def _greet(self, ref: Ref) -> None:
        slot = self._probes.pop(ref)
        try:
            pid = ray.get(ref, timeout=_FETCH_SECONDS)
        except Exception as error:
            self._pool.failed_to_start(slot, error)
            return
        slot.ready = None
        self._log.info("a worker is up", device=slot.device, pid=pid)

    def _bury(self, slot: Slot, error: BaseException) -> None:
        """A worker died. The call at the head was running; those behind it had not begun and go back as they were."""
        running, *behind = slot.calls
        blocks = [held.claimed.block_id for held in running.blocks]
        self._log.warning(
            "a worker died", device=slot.device, blocks=blocks, reason=" ".join(str(error).split())[:500]
        )
        for held in running.blocks:
            self._committer.put((held, cancelled(held) if held.cancelled else lost(held, error)))
        self._give_back([held for call in behind for held in call.blocks])
        self._forget(slot)
        self._pool.remove(slot)

    def _stop(self, blocks: list[Held]) -> None:
        """Blocks are to stop: those not sent at once, those at a slot by being told, and killed after the grace."""
        stopping = set(blocks)
        for backlog in self._backlog.values():
            for held in [held for held in backlog if held in stopping]:
                backlog.remove(held)
                self._committer.put((held, cancelled(held)))
        for slot in self._pool:
            told = [held for call in slot.calls for held in call.blocks if held in stopping]
            if told:
                slot.actor.cancel.remote([(held.claimed.block_id, held.claimed.run) for held in told])
                self._kills.setdefault(slot, time.monotonic() + self._options.grace_seconds)

    def _end_late(self) -> None:
        now = time.monotonic()
        for slot in list(self._pool):
            if not slot.calls:
                continue
            deadline = slot.calls[0].deadline
            if deadline is not None and now > deadline:
                self._kill(slot, timed_out=True)
            elif now > self._kills.get(slot, now):
                self._kill(slot, timed_out=False)

    def _kill(self, slot: Slot, *, timed_out: bool) -> None:
        """End a worker that does not stop by itself. Blocks that are not to blame go back to the queue."""
        for position, call in enumerate(slot.calls):
            for held in call.blocks:
                if held.cancelled or held.dropped:
                    self._committer.put((held, cancelled(held)))
                elif timed_out and position == 0:
                    seconds = held.claimed.timeout_seconds
                    self._committer.put((held, broken(held, "timeout", f"the block took longer than {seconds:g} s")))
                else:
                    self._committer.put((held, Release()))
        self._log.warning("ended a worker", device=slot.device, reason="timeout" if timed_out else "cancelled")
        self._forget(slot)
        self._pool.remove(slot)

    def _forget(self, slot: Slot) -> None:
        """Expect nothing more of a slot."""
        self._calls = {ref: entry for ref, entry in self._calls.items() if entry[0] is not slot}
        self._probes = {ref: waiting for ref, waiting in self._probes.items() if waiting is not slot}
        self._kills.pop(slot, None)
        slot.calls.clear()

    def _give_back(self, blocks: "deque[Held] | list[Held]") -> None:
        for held in blocks:
            self._committer.put((held, Release()))
