"""Small networks with a loss, by name: what every path of brackets is tried on."""

from schemas.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from schemas.models import ConvNet, Mlp

CASES = {
    "mlp-mish-bce": (Mlp(hidden=(5,), activation="mish"), BinaryCrossEntropy()),
    "mlp-gelu-softmax": (Mlp(hidden=(4, 4), activation="gelu"), CrossEntropy()),
    "mlp-tanh-squares": (Mlp(hidden=(5,), activation="tanh", bias=False), SquaredError(reduction="mean")),
    "convnet-batchnorm-mish": (ConvNet(channels=(2, 3)), BinaryCrossEntropy(reduction="sum")),
    "convnet-plain-relu": (ConvNet(channels=(2, 2), norm="none", activation="relu"), CrossEntropy()),
}
