"""A job that computes nothing: it sends blocks along the whole durable path, for health checks and benches."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Spec


class Diagnostic(Spec):
    """`blocks` independent blocks; each waits `seconds` and returns a record of about `record_bytes`."""

    kind: Literal["diagnostic"] = "diagnostic"
    blocks: Annotated[int, Field(ge=1)] = 1
    """Number of blocks."""
    seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """How long each block waits."""
    record_bytes: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Approximate size of each block's record."""
    store_bytes: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """Size of an object that each block writes to the object store; 0 writes none."""
