"""Runs blocks inside a worker process and turns whatever happens into an outcome. Knows nothing of Ray."""

import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from pydantic_core import to_json

from schemas.blocks import ErrorKind, ObjectRef
from schemas.blocks import payload as payload_adapter
from schemas.jobs import job_spec
from workers.errors import BlockFault, Cancelled, UserFault
from workers.runtime.cache import Lru
from workers.runtime.context import Attempt, BlockContext, Memory, weigh
from workers.runtime.footprint import footprint
from workers.runtime.messages import Failure, Order, Outcome, Success, Task
from workers.runtime.provenance import cpu_name, provenance
from workers.runtime.store import ObjectStore, StoreSettings

if TYPE_CHECKING:
    from workers.blocks import Finished

_inputs: TypeAdapter[tuple[ObjectRef, ...]] = TypeAdapter(tuple[ObjectRef, ...])
_MAX_TRACEBACK = 20_000
# A dataset, the function of a checkpoint, the way it is computed, and one more; they may outweigh the limit.
REMEMBERED_AT_LEAST = 4


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker needs to know; it holds no secrets."""

    store: StoreSettings
    device: str = "cpu"
    """`cpu` or `cuda`."""
    threads: int = 1
    """Torch threads: as many as the actor has cores."""
    cache_bytes: int = 512 * 2**20
    """Limit of the cache of objects."""
    remembered_bytes: int = 512 * 2**20
    """Limit of what is kept of models and datasets; the last four are, whatever they weigh."""
    passing_bytes: int = 512 * 2**20
    """Limit of what is kept of chosen examples and first-order states."""
    specs: int = 64
    """How many parsed job specs are kept."""


@dataclass
class Worker:
    """Executes blocks one after the other; `cancel` may be called from another thread meanwhile."""

    settings: WorkerSettings
    _cancelled: set[tuple[int, int]] = field(default_factory=set)
    _prepared: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self._memory = Memory(
            store=ObjectStore(self.settings.store),
            objects=Lru(self.settings.cache_bytes, weigh),
            remembered=Lru(self.settings.remembered_bytes, footprint, least=REMEMBERED_AT_LEAST),
            passing=Lru(self.settings.passing_bytes, footprint),
        )
        self._specs = Lru(self.settings.specs)
        self._provenance = provenance(cpu_name(), self.settings.threads)

    def run(self, order: Order) -> list[Outcome]:
        """One outcome per task, in order; no exception stands for the failure of a block."""
        return [self._run(order.specs, task) for task in order.tasks]

    def cancel(self, runs: Sequence[tuple[int, int]]) -> None:
        """Tell runs of blocks to stop, named by (block, run): at their next check, or before they start."""
        self._cancelled.update(runs)

    def _run(self, specs: Mapping[str, str], task: Task) -> Outcome:
        started = time.perf_counter()
        attempt = Attempt(task.digest, task.job_id, task.block_id, task.run, task.token)
        name = (task.block_id, task.run)
        context = BlockContext(self._memory, attempt, self.settings.device, lambda: name in self._cancelled)
        try:
            self._prepare()
            started = time.perf_counter()
            finished = self._compute(specs, task, context)
            seconds = time.perf_counter() - started
            return Success(task.block_id, self._record(finished, context, seconds), finished.rows, seconds)
        except Exception as error:
            return self._failure(task, context, error, time.perf_counter() - started)
        finally:
            self._cancelled.discard(name)

    def _compute(self, specs: Mapping[str, str], task: Task, context: BlockContext) -> "Finished":
        from workers.blocks import run

        payload = payload_adapter.validate_json(task.payload_json)
        spec = self._specs.take(task.digest, lambda: job_spec.validate_json(specs[task.digest]))
        inputs = () if task.inputs_json == "[]" else _inputs.validate_json(task.inputs_json)
        context.check_cancelled()
        return run(spec, payload, inputs, context, task.shrink)

    def _failure(self, task: Task, context: BlockContext, error: Exception, seconds: float) -> Failure:
        kind, message, trace = describe_failure(error)
        if kind == "memory":
            self._forget()
        partial = None
        if isinstance(error, BlockFault) and error.partial is not None:
            partial = (self._record(error.partial, context, seconds), error.partial.rows)
        return Failure(task.block_id, kind, message, trace, seconds, partial)

    def _record(self, finished: "Finished", context: BlockContext, seconds: float) -> str:
        # Not through the model BlockRecord: this runs ten thousand times a second.
        record = {
            "data": finished.data,
            "objects": finished.objects,
            "log": context.lines,
            "provenance": self._provenance,
            "seconds": round(seconds, 6),
            "kernel_seconds": round(context.kernel_seconds, 6),
        }
        return to_json(record, inf_nan_mode="constants").decode()

    def _prepare(self) -> None:
        """Import torch, seconds that no block is to be charged for, and set its threads for the calling thread."""
        if getattr(self._prepared, "done", False):
            return
        import torch

        torch.set_num_threads(self.settings.threads)
        if self.settings.device == "cuda":
            cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
            libraries = {"cuda": str(torch.version.cuda), "cudnn": str(cudnn)}
            self._provenance = {**provenance(torch.cuda.get_device_name(), self.settings.threads), **libraries}
        self._prepared.done = True

    def _forget(self) -> None:
        """Give memory back before the block is tried again with half the tile."""
        self._memory.objects.clear()
        self._memory.remembered.clear()
        self._memory.passing.clear()
        if self.settings.device == "cuda":
            import torch

            torch.cuda.empty_cache()


def describe_failure(error: BaseException) -> tuple[ErrorKind, str, str | None]:
    """Kind, one line for a person, and the traceback where it helps."""
    trace = "".join(traceback.format_exception(error))[-_MAX_TRACEBACK:].replace("\0", "\ufffd")
    text = " ".join(str(error).split()).replace("\0", "\ufffd")
    if isinstance(error, BlockFault):
        # What is wrong with a spec is in the message; only foreign code that refused it is worth a look.
        told = isinstance(error, Cancelled) or (isinstance(error, UserFault) and error.__cause__ is None)
        return error.kind, text, None if told else trace
    if isinstance(error, MemoryError):
        return "memory", f"out of memory: {text}".rstrip(": "), trace
    return "internal", f"{type(error).__name__}: {text}", trace
