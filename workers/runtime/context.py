"""The context a block runs in on a worker: objects in and out, memory between blocks, cancellation, logs, timing."""

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from schemas.blocks import ArrayInfo, LogLine, ObjectRef
from workers.errors import Cancelled
from workers.runtime.cache import Lru
from workers.runtime.store import ObjectStore

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
MAX_LOG_LINES = 500


class Attempt(NamedTuple):
    """One run of one block; names the objects it writes."""

    digest: str
    job_id: int
    block_id: int
    run: int
    token: str

    def key(self, name: str) -> str:
        """Key in the bucket of the object `name` that this attempt writes; no two attempts share one."""
        return f"jobs/{self.digest}/{name}/{self.job_id}-{self.block_id}-{self.run}-{self.token[:8]}.safetensors"


@dataclass(frozen=True)
class Memory:
    """What one actor shares between its blocks."""

    store: ObjectStore
    objects: Lru
    """Bytes and arrays by content hash, weighed in bytes."""
    remembered: Lru
    """Models and datasets by the key a block chose, weighed in bytes."""
    passing: Lru
    """Intermediate state likewise. Apart, because it comes in such numbers that it would drive out the dataset."""


class BlockContext:
    """Implements `workers.context.Context` for one run of one block."""

    def __init__(self, memory: Memory, attempt: Attempt, device: str, cancelled: Callable[[], bool]) -> None:
        self._memory = memory
        self._attempt = attempt
        self._device = device
        self._cancelled = cancelled
        self._kernels = 0
        self.lines: list[LogLine] = []
        self.kernel_seconds = 0.0

    @property
    def device(self) -> "torch.device":
        """Where arithmetic belongs."""
        import torch

        return torch.device(self._device)

    def fetch(self, key: str, sha256: str) -> bytes:
        """Bytes of an object, verified, and kept by their hash.

        Raises:
            Missing, Corrupt, Unavailable: as `workers.runtime.store` says.
        """
        return self._memory.objects.take(("bytes", sha256), lambda: self._memory.store.get(key, sha256))

    def arrays(self, ref: ObjectRef) -> "dict[str, torch.Tensor]":
        """Arrays of a safetensors object, on the CPU, kept by hash: read-only by agreement.

        Raises:
            Missing, Corrupt, Unavailable: as `workers.runtime.store` says.
        """

        def load() -> "dict[str, torch.Tensor]":
            from safetensors.torch import load as parse

            # Copied out of the byte string, where they lie at odd addresses: kernels for vectors round differently
            # with the alignment, and equal blocks would not have equal bits.
            loaded = parse(self._memory.store.get(ref.key, ref.sha256))
            return {name: tensor.clone() for name, tensor in loaded.items()}

        return dict(self._memory.objects.take(("arrays", ref.sha256), load))

    def store(
        self, name: str, arrays: "Mapping[str, torch.Tensor]", axes: Mapping[str, str] | None = None
    ) -> ObjectRef:
        """Write arrays as one safetensors object.

        Args:
            name: name within the job.
            arrays: by name; moved to the CPU and made contiguous.
            axes: legend of each array's axes, one word per axis.

        Raises:
            Conflict, Unavailable: as `workers.runtime.store` says.
        """
        from safetensors.torch import save

        data = save(_plain(arrays))
        key = self._attempt.key(name)
        self._memory.store.put(key, data)
        digest = hashlib.sha256(data).hexdigest()
        return ObjectRef(name=name, key=key, sha256=digest, size_bytes=len(data), arrays=describe(data, axes or {}))

    def remember(self, key: Hashable, make: Callable[[], T], *, passing: bool = False) -> T:
        """The value this actor made for `key` before, or a new one."""
        memory = self._memory.passing if passing else self._memory.remembered
        return memory.take(key, make)

    def check_cancelled(self) -> None:
        """Return unless the block was told to stop.

        Raises:
            Cancelled: it was.
        """
        if self._cancelled():
            raise Cancelled("the block was told to stop")

    def log(self, message: str, level: str = "info", **data: Any) -> None:
        """Add a line to the job's log; lines beyond a few hundred are dropped, and the last one kept says so.

        Raises:
            ValueError: the level is none of debug, info, warning and error, or the data are not JSON.
        """
        if len(self.lines) < MAX_LOG_LINES:
            self.lines.append(LogLine.model_validate({"level": level, "message": message, "data": data}))
        elif len(self.lines) == MAX_LOG_LINES:
            self.lines.append(
                LogLine(level="warning", message=f"more than {MAX_LOG_LINES} lines: the rest is dropped")
            )

    @contextmanager
    def kernel(self) -> Iterator[None]:
        """Count the time inside as numerics; nested uses count once."""
        self._kernels += 1
        self._synchronize()
        started = time.perf_counter()
        try:
            yield
        finally:
            self._synchronize()
            self._kernels -= 1
            if self._kernels == 0:
                self.kernel_seconds += time.perf_counter() - started

    def _synchronize(self) -> None:
        """Wait for the GPU: its work is queued, and would be counted where it is waited for."""
        if self._device.startswith("cuda") and self._kernels == 1:
            import torch

            torch.cuda.synchronize()


def describe(data: bytes, axes: Mapping[str, str]) -> dict[str, ArrayInfo]:
    """What is inside a safetensors object, read from its header (8 bytes of length, then JSON)."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return {
        name: ArrayInfo(dtype=entry["dtype"], shape=tuple(entry["shape"]), axes=axes.get(name, ""))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _plain(arrays: "Mapping[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """On the CPU, contiguous, and no two on one storage, which safetensors refuses."""
    plain: dict[str, torch.Tensor] = {}
    storages: set[int] = set()
    for name, tensor in arrays.items():
        ready = tensor.detach().to("cpu").contiguous()
        storage = ready.untyped_storage().data_ptr()
        plain[name] = ready.clone() if storage in storages else ready
        storages.add(storage)
    return plain


def weigh(value: object) -> int:
    """Bytes of a cached object: a byte string, or a dictionary of tensors."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(tensor.numel() * tensor.element_size() for tensor in value.values())
    raise TypeError(f"the object cache holds bytes and dictionaries of tensors, not {type(value).__name__}")
