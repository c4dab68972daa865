"""The dispatcher put together: threads, loop, and an orderly end."""

import time
from collections.abc import Mapping
from queue import SimpleQueue

import structlog
from sqlalchemy import Engine

from service.dispatcher.claimer import Claimer
from service.dispatcher.committer import Committer
from service.dispatcher.database import Database
from service.dispatcher.heartbeat import Heartbeat
from service.dispatcher.housekeeping import Housekeeping
from service.dispatcher.ledger import Ledger
from service.dispatcher.loop import Loop
from service.dispatcher.options import Device, Options
from service.dispatcher.pool import Pool
from service.dispatcher.signals import Inbox, Wake
from service.dispatcher.watch import EXIT_AGAIN, Watch, answers
from workers.runtime.execution import WorkerSettings

_KILL_SECONDS = 2.0
_DEVICES: tuple[Device, ...] = ("cpu", "cuda")


class Dispatcher:
    """Runs until told to stop. Ray must be connected; the database need not be there yet."""

    def __init__(self, engine: Engine, workers: WorkerSettings, ray_address: str, options: Options) -> None:
        self._options = options
        self._ray_address = ray_address
        self._ledger = Ledger()
        self._database = Database(engine)
        self._inbox: Inbox = SimpleQueue()
        self._claimers: Mapping[Device, Claimer] = {
            device: Claimer(device, self._database, self._ledger, self._inbox, options) for device in _DEVICES
        }
        self._committer = Committer(self._database, self._ledger, options.batch, self._nudge)
        self._pool = Pool(workers, options.slots)
        self._loop = Loop(self._pool, self._claimers, self._committer, self._ledger, self._inbox, options)
        self._heartbeat = Heartbeat(self._database, self._ledger, self._inbox, self._load, options)
        self._housekeeping = Housekeeping(self._database, options, self._nudge)
        self._watch = Watch(ray_address, self._database, options, self._lose_ray, lambda: self._turned)
        self._threads = (*self._claimers.values(), self._committer, self._heartbeat, self._housekeeping, self._watch)
        self._stopping = False
        self._ray_lost = False
        self._turned = time.monotonic()
        self._slots: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._log = structlog.get_logger("dispatcher")

    def stop(self) -> None:
        """Begin the orderly end; safe to call from a signal handler."""
        self._stopping = True
        self._inbox.put(Wake())

    def run(self) -> int:
        """Work until `stop` or until Ray is lost; the exit status."""
        self._log.info("started", name=self._options.name)
        try:
            self._begin()
            while not self._stopping and not self._ray_lost:
                self._turn()
                self._check_threads()
        except Exception:
            self._log.exception("the loop failed; committing what has finished, then exiting to be started again")
            self._ray_lost = True
        self._drain()
        self._log.info("stopped", uncommitted=len(self._ledger))
        # Ray sends its driver SIGTERM when its node dies: that is no request to stay away.
        return EXIT_AGAIN if self._ray_lost or not answers(self._ray_address) else 0

    def _begin(self) -> None:
        """Start the threads: those that say what slots there are, and plan for them, once that is known."""
        late = (self._heartbeat, self._housekeeping)
        self._turned = time.monotonic()
        for thread in self._threads:
            if thread not in late:
                thread.start()
        try:
            self._turn()
        finally:
            for thread in late:
                thread.start()

    def _drain(self) -> None:
        """Finish what runs within the grace, give the rest back, and commit it all within the grace again."""
        grace = self._options.grace_seconds
        self._log.info("draining", held=len(self._ledger), grace_seconds=grace)
        self._housekeeping.stop()
        self._loop.drain()
        deadline = time.monotonic() + grace
        try:
            while not self._loop.idle and not self._ray_lost and time.monotonic() < deadline:
                self._turn()
        except Exception:
            self._log.exception("the loop failed while it drained")
        self._loop.abandon()
        self._committer.close()
        self._committer.join(timeout=max(1.0, grace))
        self._database.give_up.set()
        self._heartbeat.stop()
        self._watch.stop()
        self._committer.join(timeout=1.0)
        if not self._ray_lost:
            self._pool.close(_KILL_SECONDS)

    def _turn(self) -> None:
        self._turned = time.monotonic()
        self._loop.turn()
        self._slots = (self._loop.slots(), self._loop.busy())

    def _check_threads(self) -> None:
        """Return while every thread lives: without one, blocks would be held for ever, or none claimed.

        Raises:
            RuntimeError: one has ended.
        """
        ended = [thread.name for thread in self._threads if not thread.is_alive()]
        if ended and not self._ray_lost:
            raise RuntimeError(f"threads of the dispatcher ended: {', '.join(ended)}; their tracebacks are above")

    def _load(self) -> tuple[dict[str, int], dict[str, int]]:
        return self._slots

    def _nudge(self) -> None:
        for claimer in self._claimers.values():
            claimer.nudge()

    def _lose_ray(self) -> None:
        self._ray_lost = True
        self._inbox.put(Wake())
