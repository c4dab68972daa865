"""The Ray actor: one worker process that runs blocks, and hears about cancellation while it does."""

import os
from collections.abc import Sequence

import ray

from workers.runtime.execution import Worker, WorkerSettings
from workers.runtime.messages import decode_order, encode_outcomes

# Credentials that a worker has no use for: a block must not be able to reach the database.
_NOT_FOR_WORKERS = ("HOLONOMY_DATABASE_URL", "HOLONOMY_TOKEN", "PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE")


@ray.remote(max_restarts=0, max_task_retries=0, concurrency_groups={"control": 1})  # type: ignore[call-overload]
class BlockActor:
    """Runs calls in order on one thread; `cancel` and `pid` run beside them."""

    def __init__(self, settings: WorkerSettings) -> None:
        for name in _NOT_FOR_WORKERS:
            os.environ.pop(name, None)
        self._worker = Worker(settings)

    def run(self, order: bytes) -> bytes:
        """Run the blocks of an encoded order; their encoded outcomes. See `Worker.run`."""
        return encode_outcomes(self._worker.run(decode_order(order)))

    @ray.method(concurrency_group="control")
    def cancel(self, runs: Sequence[tuple[int, int]]) -> None:
        """Tell runs of blocks to stop; see `Worker.cancel`."""
        self._worker.cancel(runs)

    @ray.method(concurrency_group="control")
    def pid(self) -> int:
        """Process id: the answer says that the actor is up."""
        return os.getpid()
