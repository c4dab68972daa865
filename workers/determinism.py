"""The settings under which equal inputs give equal bits on one device."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workers.errors import UserFault


@contextmanager
def deterministic() -> Iterator[None]:
    """Run with deterministic algorithms, full float32 products (no TF32) and no cuDNN autotuning; then restore.

    Whatever runs a model belongs inside, a first look at its outputs too.

    Raises:
        UserFault: the code inside uses an operation that has no deterministic implementation.
    """
    # cuBLAS reads this when its handle is made, at the process's first product: no product may come before. Without
    # it, deterministic mode refuses every matrix product on CUDA.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    products = torch.get_float32_matmul_precision()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    except RuntimeError as error:
        if "does not have a deterministic implementation" in str(error):
            operation = str(error).split(" does not have")[0]
            raise UserFault(
                f"the model uses {operation}, which has no deterministic implementation on this device: "
                "replace that operation or ask for another device"
            ) from error
        raise
    finally:
        torch.set_float32_matmul_precision(products)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(before)


@contextmanager
def forked_generators(device: torch.device) -> Iterator[None]:
    """Give PyTorch's global generators (the CPU's and the device's) back as they were, whatever is drawn inside."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
