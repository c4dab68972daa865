"""The long-lived Ray actors that run blocks: one per slot, replaced when they die."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

import ray
import structlog

from service.dispatcher.ledger import Held
from service.dispatcher.options import Device
from workers.runtime.actor import BlockActor
from workers.runtime.execution import WorkerSettings

Ref = Any
"""A `ray.ObjectRef`; Ray's types are not exported."""

_MEASURE_SECONDS = 10.0
_PAUSE_AFTER_FAILURE_SECONDS = 5.0


@dataclass(eq=False)
class Call:
    """One call of an actor: the blocks it carries, and until when it may take."""

    blocks: list[Held]
    deadline: float | None = None
    """Monotonic time at which the running call is given up; set when it reaches the head of its slot."""


@dataclass(eq=False)
class Slot:
    """One actor. Its calls run in the order in which they were sent."""

    device: Device
    actor: Any
    ready: Ref | None
    """Answers when the actor is up; None once it is."""
    calls: deque[Call] = field(default_factory=deque)


class Pool:
    """Slots by device, as many as the cluster or the settings have."""

    def __init__(self, settings: WorkerSettings, cpu_slots: int | None) -> None:
        self._settings = settings
        self._cpu_slots = cpu_slots
        self._slots: list[Slot] = []
        self._wanted: dict[Device, int] = {}
        self._measured = float("-inf")
        self._not_before = 0.0
        self._log = structlog.get_logger("dispatcher.pool")
        self._doomed: SimpleQueue[Any] = SimpleQueue()
        # A thread of its own: a kill waits for the head, for ever when that has gone.
        self._reaper = threading.Thread(target=self._reap, name="reap", daemon=True)
        self._reaper.start()

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def refresh(self) -> list[Slot]:
        """Start the actors that are missing; the new slots, not up yet."""
        now = time.monotonic()
        if now >= self._measured + _MEASURE_SECONDS:
            self._measured = now
            self._measure()
        if now < self._not_before:
            return []
        new = [
            self._start(device)
            for device, wanted in self._wanted.items()
            for _ in range(wanted - sum(slot.device == device for slot in self._slots))
        ]
        self._slots.extend(new)
        return new

    def remove(self, slot: Slot) -> None:
        """Forget a slot, and have its actor ended, if it lives."""
        self._slots.remove(slot)
        self._doomed.put(slot.actor)

    def close(self, timeout_seconds: float) -> None:
        """Wait until the actors of removed slots have been ended, or for so long."""
        self._doomed.put(None)
        self._reaper.join(timeout_seconds)

    def failed_to_start(self, slot: Slot, error: Exception) -> None:
        """Forget a slot whose actor did not come up, and wait before the next try."""
        self._slots.remove(slot)
        self._not_before = time.monotonic() + _PAUSE_AFTER_FAILURE_SECONDS
        self._log.error("a worker did not start; trying again", device=slot.device, reason=str(error)[-2000:])

    def up(self, device: Device) -> list[Slot]:
        """Slots that take calls."""
        return [slot for slot in self._slots if slot.device == device and slot.ready is None]

    def devices(self) -> list[Device]:
        """Devices that the pool has or wants slots for."""
        return list(self._wanted)

    def _reap(self) -> None:
        while (actor := self._doomed.get()) is not None:
            try:
                ray.kill(actor, no_restart=True)
            except Exception as error:
                self._log.warning("a worker could not be ended", reason=str(error)[-500:])

    def _measure(self) -> None:
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray has no type
        gpus = int(resources.get("GPU", 0))
        # Every GPU slot has a core of its own; a cluster with slots at all has one for CPU blocks.
        cores = max(1, int(resources.get("CPU", 0)) - gpus)
        wanted: dict[Device, int] = {"cpu": self._cpu_slots or cores}
        if gpus:
            wanted["cuda"] = gpus
        if wanted != self._wanted:
            self._log.info("worker slots", **wanted)
            self._wanted = wanted

    def _start(self, device: Device) -> Slot:
        resources = {"num_cpus": 1, "num_gpus": 1 if device == "cuda" else 0}
        actor = BlockActor.options(**resources).remote(replace(self._settings, device=device))  # type: ignore[attr-defined]
        return Slot(device, actor, actor.pid.remote())
