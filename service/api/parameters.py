"""Parameters that several routes share."""

from typing import Annotated

from fastapi import Header, Path, Query, Request

from service.api.problems import ProblemError
from service.queue.jobs import LONGEST_PAGE

LARGEST_NUMBER = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Its number.")]
StepNumber = Annotated[int, Query(ge=0, le=10**9, description="Optimizer step of the checkpoint.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next` of the page before; leave it out for the first.")
]
PageSize = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="Most items on the page.")]
Named = Annotated[str | None, Query(alias="name", max_length=200, description="Only those with this name.")]
OfProject = Annotated[str | None, Query(alias="project", max_length=100, description="Only those of this project.")]
Tagged = Annotated[str | None, Query(alias="tag", max_length=200, description="Only those with this tag.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A submission sent again with the same key is answered as the first was, even with `fresh`.",
    ),
]


async def plain_address(request: Request) -> None:
    """A dependency of every route: Postgres holds no NUL character in text, so no address may.

    Raises:
        ProblemError: 422, there is one.
    """
    if "\0" in request.url.path or b"%00" in request.scope["query_string"]:
        raise ProblemError("invalid", "the address must not hold NUL characters")
