"""Bodies that can be stored: JSON allows text that neither Postgres nor UTF-8 can hold."""

from collections.abc import Iterator
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel

from schemas.api import TokenRequest
from schemas.archives import ParquetRequest
from schemas.datasets import DatasetImport
from schemas.exports import JobImport, SweepImport
from schemas.jobs import Submission
from schemas.projects import ProjectLimits
from schemas.query_bodies import Query
from schemas.schedules import PauseRequest, ScheduleRequest
from schemas.sweep_bodies import SweepSubmission

M = TypeVar("M", bound=BaseModel)


def storable(body: M) -> M:
    """The body itself.

    Raises:
        ValueError: naming the first field with a NUL character or half a surrogate pair in it.
    """
    for path, value in _leaves(body.model_dump()):
        if isinstance(value, str) and not _is_plain(value):
            raise ValueError(f"text must be Unicode without NUL characters; {path or 'a field name'} is not")
    return body


def _is_plain(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _leaves(value: object) -> Iterator[tuple[str, object]]:
    """Every value and every key inside, with its path; without recursion, since depth is the sender's choice."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, here = waiting.pop()
        match here:
            case dict():
                for name, inside in here.items():
                    yield path, name
                    waiting.append((f"{path}.{name}" if path else str(name), inside))
            case list() | tuple():
                waiting.extend((f"{path}[{index}]", inside) for index, inside in enumerate(here))
            case _:
                yield path, here


QueryBody = Annotated[Query, AfterValidator(storable)]
ScheduleBody = Annotated[ScheduleRequest, AfterValidator(storable)]
PauseBody = Annotated[PauseRequest, AfterValidator(storable)]
SweepBody = Annotated[SweepSubmission, AfterValidator(storable)]
SubmissionBody = Annotated[Submission, AfterValidator(storable)]
DatasetBody = Annotated[DatasetImport, AfterValidator(storable)]
ParquetBody = Annotated[ParquetRequest, AfterValidator(storable)]
JobImportBody = Annotated[JobImport, AfterValidator(storable)]
SweepImportBody = Annotated[SweepImport, AfterValidator(storable)]
TokenBody = Annotated[TokenRequest, AfterValidator(storable)]
ProjectBody = Annotated[ProjectLimits, AfterValidator(storable)]
