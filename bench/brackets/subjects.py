"""What is measured: models at initialisation with random inputs and labels.

Axes: N examples, T test examples, K outputs.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from schemas.losses import BinaryCrossEntropy, CrossEntropy
from schemas.models import ConvNet, Mlp, Model, MxResNet
from schemas.training import Training
from service.planner.memory import micro_edge
from service.planner.size import DataSize, model_size
from workers.brackets.functional import Functional
from workers.brackets.paths.choose import choose
from workers.brackets.paths.path import BracketPath
from workers.losses import example_loss
from workers.models import initialised

MLP = Mlp(hidden=(512, 512), activation="gelu")
MLP_INPUT = (784,)
"""784-512-512-10 with 10 outputs: 669,706 parameters."""
CONVNET = ConvNet(channels=(16, 32, 64, 128, 256, 368))
"""1,245,402 parameters on 3×64×64 with 10 outputs; about 24 million multiplications in a forward pass."""
RESNET = MxResNet(depth=18)
IMAGE = (3, 64, 64)
SEED = 0


@dataclass(frozen=True)
class Subject:
    """A model at a point, the path that was chosen for it, and examples.

    Attributes:
        spec: What the model was built from.
        functional: The model.
        path: How its brackets are computed.
        inputs: Standard normal, (N, *input_shape).
        targets: Random labels, (N, K): one-hot, or independent ones for a binary cross-entropy.
        tests: Standard normal, (T, *input_shape).
    """

    spec: Model
    functional: Functional
    path: BracketPath[Any, Any]
    inputs: Tensor
    targets: Tensor
    tests: Tensor

    @property
    def micro(self) -> int:
        """Edge of the micro tiles that the planner would give to a job with this model and data."""
        data = DataSize(None, None, self.targets.shape[1], tuple(self.inputs.shape[1:]))
        size = model_size(Training(model=self.spec, steps=0), data)
        return micro_edge(self.path.name, size, "float32")


def subject(
    spec: Model, shape: tuple[int, ...], N: int, device: torch.device, *, T: int = 0, K: int = 10, soft: bool = False
) -> Subject:
    """Draw a subject; `soft` takes independent labels and the mean binary cross-entropy in place of classes."""
    names = [str(output) for output in range(K)]
    loss = example_loss(BinaryCrossEntropy(reduction="mean") if soft else CrossEntropy(), names)
    model = initialised(spec, shape, K, SEED, torch.float32).to(device)
    generator = torch.Generator().manual_seed(SEED)
    inputs = torch.randn(N, *shape, generator=generator)
    labels = torch.randint(2, (N, K), generator=generator) if soft else torch.randint(K, (N,), generator=generator)
    targets = labels.float() if soft else torch.nn.functional.one_hot(labels, K).float()
    tests = torch.randn(T, *shape, generator=generator)
    functional = Functional.of(model, loss)
    inputs, targets, tests = (tensor.to(device) for tensor in (inputs, targets, tests))
    path = choose(functional, inputs[:2], targets[:2], "auto", device).path
    return Subject(spec, functional, path, inputs, targets, tests)
