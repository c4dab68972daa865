"""What can be submitted: the union of all job specs, and the arguments that do not change a result."""

from typing import Annotated, assert_never

from pydantic import Field, TypeAdapter

from schemas.base import LabelName, Name, Spec
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.replicas import Replicas
from schemas.training import Training

AnyJob = Training | Brackets | Replicas | Diagnostic
JobSpec = Annotated[AnyJob, Field(discriminator="kind")]
job_spec: TypeAdapter[AnyJob] = TypeAdapter(JobSpec)


def training_of(spec: AnyJob) -> Training | None:
    """The run that a job is or looks at; None where nothing is trained."""
    match spec:
        case Training():
            return spec
        case Brackets() | Replicas():
            return spec.training
        case Diagnostic():
            return None
        case _:
            assert_never(spec)


DEFAULT_PROJECT = "default"
Tags = Annotated[tuple[LabelName, ...], Field(max_length=50)]
Priority = Annotated[int, Field(ge=-100, le=100)]
Limit = Annotated[int, Field(ge=1, le=10**6)]
"""Most jobs or blocks that run at once."""


class Labels(Spec):
    """What surrounds a submission without changing a result."""

    name: Annotated[str, Field(max_length=200)] | None = None
    """A label for people."""
    project: Name = DEFAULT_PROJECT
    """The project that it belongs to; one that is new is made."""
    tags: Tags = ()
    """Labels to find it by."""
    priority: Priority = 0
    """Higher goes first."""
    fresh: bool = False
    """Compute again even when the same spec was submitted before."""
    max_running_blocks: Limit | None = None
    """At most this many blocks run at once."""


class Submission(Labels):
    """The body of a submission. Only `spec` is digested: the other fields do not change a result."""

    spec: JobSpec
    """What to compute."""
