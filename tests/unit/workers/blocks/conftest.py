"""A trained run and its bracket job on digits, block by block."""

from collections.abc import Callable

import pytest

from schemas.blocks import AnyPayload, BracketOutputs, BracketSummary, BracketTile, ObjectRef, TrainingSegment
from schemas.brackets import Brackets
from schemas.losses import BinaryCrossEntropy
from schemas.models import ConvNet
from schemas.optimizers import Adam
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from workers.blocks import Finished, run

STEPS = 4


class Job:
    """A bracket job whose training is done."""

    def __init__(self, context: MemoryContext, training: dict | None = None, **brackets) -> None:
        base = {
            "model": ConvNet(channels=(3, 4)),
            "loss": BinaryCrossEntropy(),
            "optimizer": Adam(lr=5e-3, betas=(0.8, 0.999)),
            "steps": STEPS,
            "checkpoints": (0,),
        }
        self.context = context
        self.training = Training(**(base | (training or {})))
        self.spec = Brackets(**({"training": self.training, "examples": list(range(10, 15))} | brackets))
        segment = TrainingSegment(start=0, stop=self.training.steps, save=self.training.checkpoints)
        self.trained = run(self.training, segment, (), context, 0)

    def checkpoint(self, step: int) -> ObjectRef:
        return next(ref for ref in self.trained.objects if ref.name == f"checkpoints/{step:09d}")

    def tile(self, rows=(0, 5), columns=(0, 5), step: int = STEPS, micro: int = 8, shrink: int = 0) -> Finished:
        payload = BracketTile(step=step, rows=rows, columns=columns, micro=micro)
        return run(self.spec, payload, [self.checkpoint(step)], self.context, shrink)

    def summary(self, *blocks: Finished, step: int = STEPS) -> Finished:
        objects = [ref for block in blocks for ref in block.objects]
        return run(self.spec, BracketSummary(step=step), objects, self.context, 0)

    def block(self, payload: AnyPayload, *blocks: Finished, shrink: int = 0) -> Finished:
        """Any block at a checkpoint, given what earlier blocks stored."""
        objects = [self.checkpoint(payload.step), *(ref for block in blocks for ref in block.objects)]
        return run(self.spec, payload, objects, self.context, shrink)

    def outputs(self, *blocks: Finished, step: int = STEPS) -> Finished:
        return self.block(BracketOutputs(step=step), *blocks)


@pytest.fixture
def job(context: MemoryContext) -> Callable[..., Job]:
    return lambda *arguments, **options: Job(context, *arguments, **options)
