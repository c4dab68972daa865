"""Running out of memory, however PyTorch says it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workers.errors import MemoryFault

SIGNS = ("allocate memory", "DefaultCPUAllocator", "CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@contextmanager
def memory_faults() -> Iterator[None]:
    """Turn every form of running out of memory inside into a `MemoryFault`.

    Raises:
        MemoryFault: the device or the host ran out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_memory_fault(error):
            raise _fault(error) from error
        raise


def is_memory_fault(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    known = isinstance(error, torch.OutOfMemoryError | MemoryError | MemoryFault)
    return known or any(sign in str(error) for sign in SIGNS)


def _fault(error: BaseException) -> MemoryFault:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return MemoryFault(f"out of memory: {first}")
