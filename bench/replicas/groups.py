"""What is trained in the benches of replicas: the network and the settings of the reference run, on random images.

Axes: R members of a group, the baseline and its twin among them.
"""

import torch

from schemas.data import Idx
from schemas.looks import Every
from schemas.models import Mlp
from schemas.optimizers import Sgd
from schemas.perturbations import Gaussian
from schemas.replicas import Arm, Replicas
from schemas.training import Training
from workers.data.dataset import Dataset, Split
from workers.replicas.group import Group

STEPS = 2_000
"""Of the whole run; no bench takes more."""
STEPS_OF_A_LOOK = 100
UNPERTURBED = 2
"""Members of a group that are no replicas: the baseline and its twin."""
SEED = 0
_TRAIN, _TEST, _SIDE, _LABELS = 16_000, 2_000, 28, 10


def group(R: int, device: torch.device) -> Group:
    """A group of R members at its start: 784-100-10 under plain SGD in batches of 64, looked at every 100 steps."""
    spec = Replicas(
        training=Training(
            data=Idx(name="bench"),
            model=Mlp(hidden=(100,)),
            optimizer=Sgd(lr=0.01),
            steps=STEPS,
            batch_size=64,
            seed=SEED,
        ),
        arms=(Arm(perturbations=(Gaussian(epsilon=0.1, scale="global"),), replicas=R - UNPERTURBED),),
        looks=Every(steps=STEPS_OF_A_LOOK),
    )
    made = Group.start(spec, _images(device), torch.float32, 0, range(R - UNPERTURBED))
    made.move(0)
    return made


def _images(device: torch.device) -> Dataset:
    """Normal pixels with random labels."""
    random = torch.Generator().manual_seed(SEED)

    def split(examples: int) -> Split:
        inputs = torch.randn(examples, 1, _SIDE, _SIDE, generator=random)
        return Split(inputs.to(device), torch.randint(_LABELS, (examples,), generator=random).to(device))

    names = tuple(str(label) for label in range(_LABELS))
    return Dataset(split(_TRAIN), split(_TEST), names, normalisation="none")
