"""What a block may ask of the process it runs in. Numerics know nothing of Ray, S3 or the database beyond this."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from schemas.blocks import ObjectRef

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


class Context(Protocol):
    """The surroundings of a block: a device, objects, a memory that outlives the block, and a way to be stopped."""

    @property
    def device(self) -> torch.device:
        """Where tensors are to live."""
        ...

    def fetch(self, key: str, sha256: str) -> bytes:
        """The bytes under `key`, checked against `sha256` and cached by it.

        Raises:
            BlockFault: the object is not there or its bytes have another digest.
            Unavailable: the store does not answer.
        """
        ...

    def arrays(self, ref: ObjectRef) -> dict[str, torch.Tensor]:
        """The tensors of a safetensors object, on the CPU. They may be shared: do not write into them.

        Raises:
            BlockFault: the object is not there or its bytes have another digest.
            Unavailable: the store does not answer.
        """
        ...

    def store(
        self, name: str, arrays: Mapping[str, torch.Tensor], axes: Mapping[str, str] | None = None
    ) -> ObjectRef:
        """Write tensors as one safetensors object, once.

        Args:
            name: Name within the job.
            arrays: Tensors by name, on any device.
            axes: Legend of the axes of the arrays that have one.

        Raises:
            Unavailable: the store does not answer or is full.
        """
        ...

    def remember(self, key: Hashable, make: Callable[[], T], *, passing: bool = False) -> T:
        """The value made earlier in this process under an equal key, else `make()`; old values may be dropped.

        Args:
            key: Names the value.
            make: Makes it.
            passing: It serves a stretch of work, such as a row of tiles; it never displaces what does not pass, such
                as the dataset.
        """
        ...

    def check_cancelled(self) -> None:
        """Return, unless the block was told to stop.

        Raises:
            Cancelled: it was.
        """
        ...

    def log(self, message: str, level: str = "info", **data: Any) -> None:
        """Add a line to the job's log."""
        ...

    def kernel(self) -> AbstractContextManager[None]:
        """Time spent inside counts as numerics, as opposed to loading, storing and waiting."""
        ...
