"""What is trained: a model on random images, as members of a stack and one after the other.

Axes: R members, B examples of a batch, N training examples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from schemas.data import RegistryData
from schemas.models import ConvNet, Mlp, ZooModel
from schemas.optimizers import Rule
from schemas.training import Training
from workers.data.dataset import Dataset, Split
from workers.models import initialised
from workers.replicas.stack import Part, Stack, stack
from workers.training.optimizers import optimizer
from workers.training.schedule import Schedule, batch_schedule

B, N, K, SEED = 64, 20_000, 10, 0
IMAGE = (1, 28, 28)
MLP = Mlp(hidden=(100,))
"""784-100-10: 79,510 parameters."""
CONVNET = ConvNet(channels=(8, 16, 32))
"""Three convolutions with BatchNorm and Mish: 6,346 parameters."""


@dataclass(frozen=True)
class Subject:
    """A run's parts; both ways of training gather their batches from the same images.

    Attributes:
        spec: The run.
        rule: Its optimizer.
        dataset: N random images with random classes.
        schedule: Batches of one epoch.
    """

    spec: Training
    rule: Rule
    dataset: Dataset
    schedule: Schedule

    @classmethod
    def of(cls, model: ZooModel, rule: Rule, device: torch.device) -> "Subject":
        """Draw the images."""
        draw = torch.Generator().manual_seed(SEED)
        images, classes = torch.randn(N, *IMAGE, generator=draw), torch.randint(K, (N,), generator=draw)
        split, names = Split(images, classes), tuple(str(label) for label in range(K))
        spec = Training(data=RegistryData(name="random"), model=model, optimizer=rule, steps=N // B, batch_size=B)
        dataset = Dataset(split, split, names, "none").to(device, torch.float32)
        return cls(spec, rule, dataset, batch_schedule(SEED, N, B, N // B))

    def stacked(self, R: int) -> "Stacked":
        """R members at the initialisation."""
        return Stacked(self, stack(self.spec, self.dataset, torch.float32, R))

    def sequential(self) -> "Sequential":
        """One network at the initialisation."""
        model = initialised(self.spec.model, IMAGE, K, SEED, torch.float32)
        return Sequential(self, model.to(self.dataset.train.labels.device).train())


class Stacked:
    """Members that share their batches."""

    def __init__(self, subject: Subject, members: Stack) -> None:
        self.members, self._schedule, self._taken = members, subject.schedule, 0
        self._everyone, self._rule = tuple(range(len(members))), subject.rule

    def train(self, steps: int) -> Tensor:
        """Take steps; the losses of the last, (R,)."""
        for _ in range(steps):
            self._taken += 1
            examples = self._schedule.batch(1 + (self._taken - 1) % self._schedule.steps)
            losses = self.members.step(self._taken, [Part(self._everyone, examples, self._rule)])
        return losses


class Sequential:
    """One network under torch.optim, as a training loop is usually written."""

    def __init__(self, subject: Subject, model: nn.Module) -> None:
        self.model, self._subject, self._taken = model, subject, 0
        self._optimizer = optimizer(subject.rule, model.parameters())

    def train(self, steps: int) -> Tensor:
        """Take steps; the loss of the last."""
        split, schedule = self._subject.dataset.train, self._subject.schedule
        for _ in range(steps):
            self._taken += 1
            examples = schedule.batch(1 + (self._taken - 1) % schedule.steps).to(split.labels.device)
            self._optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(split.inputs[examples]), split.labels[examples])
            loss.backward()  # type: ignore[no-untyped-call]  # torch's stubs leave it out
            self._optimizer.step()
        return loss.detach()
