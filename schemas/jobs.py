"""What can be submitted: the union of all job specs, and the arguments that do not change a result."""

from typing import Annotated, assert_never

from pydantic import Field, TypeAdapter

from schemas.base import Spec
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


class Submission(Spec):
    """The body of a submission. Only `spec` is digested: the other fields do not change a result."""

    spec: JobSpec
    """What to compute."""
    fresh: bool = False
    """Compute again even when the same spec was submitted before."""
    name: Annotated[str, Field(max_length=200)] | None = None
    """A label for people."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher goes first."""
    max_running_blocks: Annotated[int, Field(ge=1)] | None = None
    """At most this many blocks of the job run at once."""
