"""A worker's context in memory: the same contract as the real one, with objects in a dictionary."""

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from safetensors.torch import load, save

from schemas.blocks import ArrayInfo, LogLine, ObjectRef
from workers.errors import BlockFault, Cancelled

T = TypeVar("T")

NAMES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.uint8: "U8", torch.bool: "BOOL"}


class MemoryContext:
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.memory: dict[Hashable, Any] = {}
        self.lines: list[LogLine] = []
        self.cancelled = False

    def put(self, key: str, content: bytes) -> str:
        """Place raw bytes, as an import would, and return their digest."""
        self.objects[key] = content
        return hashlib.sha256(content).hexdigest()

    def fetch(self, key: str, sha256: str) -> bytes:
        if key not in self.objects:
            raise BlockFault(f"object {key} is not there")
        content = self.objects[key]
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlockFault(f"object {key} does not have sha256 {sha256}")
        return content

    def arrays(self, ref: ObjectRef) -> dict[str, torch.Tensor]:
        return load(self.fetch(ref.key, ref.sha256))

    def store(
        self, name: str, arrays: Mapping[str, torch.Tensor], axes: Mapping[str, str] | None = None
    ) -> ObjectRef:
        held = {key: tensor.detach().cpu().contiguous() for key, tensor in arrays.items()}
        content = save(held)
        key = f"jobs/test/{name}/{len(self.objects)}.safetensors"
        infos = {
            array: ArrayInfo(dtype=NAMES[tensor.dtype], shape=tuple(tensor.shape), axes=(axes or {}).get(array, ""))
            for array, tensor in held.items()
        }
        sha256 = self.put(key, content)
        return ObjectRef(name=name, key=key, sha256=sha256, size_bytes=len(content), arrays=infos)

    def remember(self, key: Hashable, make: Callable[[], T], *, passing: bool = False) -> T:
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled("told to stop")

    def log(self, message: str, level: str = "info", **data: Any) -> None:
        self.lines.append(LogLine(level=level, message=message, data=data))

    @contextmanager
    def kernel(self) -> Iterator[None]:
        yield
