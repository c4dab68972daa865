"""Directions q in parameter space on which brackets are projected: q · [v_x, v_y]."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Spec
from schemas.data import Index


class TestLoss(Spec):
    """q = ∇ of the mean loss over the job's test examples. A swap moves that loss by lr² times the projection."""

    __test__ = False

    kind: Literal["test_loss"] = "test_loss"

    @property
    def label(self) -> str:
        """Name of the target in results."""
        return "test_loss"


class TestLogit(Spec):
    """q = ∇ of one logit of one test example."""

    __test__ = False

    kind: Literal["logit"] = "logit"
    example: Index
    """Test-split index."""
    output: Index
    """Index of the output, from 0."""

    @property
    def label(self) -> str:
        """Name of the target in results."""
        return f"logit/{self.example}/{self.output}"


class SavedDirection(Spec):
    """q from an object in the store: a kept bracket, or the parameters of a checkpoint."""

    kind: Literal["saved"] = "saved"
    job_id: Annotated[int, Field(ge=1)]
    """Job that made the object."""
    object: Annotated[str, Field(min_length=1, max_length=200)]
    """Name of the object, for example `tiles/000000100/000000-000000` or `checkpoints/000000100`."""
    prefix: Annotated[str, Field(max_length=100)] = "kept/"
    """What stands before the parameter's name in the names of its arrays."""
    position: Annotated[int, Field(ge=0)] | None = 0
    """Place along the first axis of the arrays; none if they have the shapes of the parameters."""

    @property
    def label(self) -> str:
        """Name of the target in results."""
        place = "" if self.position is None else f"/{self.position}"
        return f"saved/{self.job_id}/{self.object}/{self.prefix.rstrip('/')}{place}"


Target = Annotated[TestLoss | TestLogit | SavedDirection, Field(discriminator="kind")]
