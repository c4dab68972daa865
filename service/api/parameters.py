"""Parameters that several routes share."""

from typing import Annotated

from fastapi import Path, Query

LARGEST_NUMBER = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Its number.")]
StepNumber = Annotated[int, Query(ge=0, le=10**9, description="Optimizer step of the checkpoint.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next` of the page before; leave it out for the first.")
]
PageSize = Annotated[int, Query(ge=1, le=1_000, description="Most items on the page.")]
