"""The block that computes nothing."""

import time

import torch

from schemas.blocks import DiagnosticBlock, ObjectRef
from schemas.diagnostic import Diagnostic
from workers.context import Context
from workers.outcome import Finished

CANCEL_CHECK_SECONDS = 0.1


def diagnostic(spec: Diagnostic, payload: DiagnosticBlock, context: Context) -> Finished:
    """Wait, store `store_bytes` zeros if asked for, and return a record of about `record_bytes`.

    Raises:
        Cancelled: the block was told to stop while it waited.
    """
    end = time.monotonic() + spec.seconds
    while (left := end - time.monotonic()) > 0:
        context.check_cancelled()
        time.sleep(min(left, CANCEL_CHECK_SECONDS))
    objects: tuple[ObjectRef, ...] = ()
    if spec.store_bytes:
        zeros = torch.zeros(spec.store_bytes, dtype=torch.uint8)
        objects = (context.store(f"diagnostic/{payload.index}", {"bytes": zeros}, {"bytes": "byte"}),)
    return Finished(data={"index": payload.index, "padding": "x" * spec.record_bytes}, objects=objects)
