"""Complete specs to start from: a preset is a function that returns one."""

from schemas.brackets import Brackets
from schemas.data import Digits, First
from schemas.losses import BinaryCrossEntropy
from schemas.models import ConvNet
from schemas.optimizers import Adam
from schemas.training import Training


def digits_brackets() -> Brackets:
    """The demo: brackets of 16 examples along the training of a small convolutional network on digits.

    A network with BatchNorm and Mish learns scikit-learn's 8×8 digits as 10 independent labels under Adam; at six
    checkpoints, the initialisation among them, the brackets of 16 training examples are taken with the logit
    perturbations of 32 test examples. Every whole bracket is kept.
    """
    training = Training(
        data=Digits(),
        model=ConvNet(channels=(8, 16, 32), norm="batch", activation="mish"),
        loss=BinaryCrossEntropy(reduction="mean"),
        optimizer=Adam(lr=5e-3, betas=(0.8, 0.999)),
        steps=1000,
        batch_size=32,
        checkpoints=(0, 10, 30, 100, 300, 1000),
    )
    return Brackets(training=training, examples=First(count=16), test_examples=First(count=32), keep="all")
