"""Model specs. Input shapes come from the data; `outputs` defaults to the number of labels."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from schemas.base import Name, Spec

Activation = Literal["relu", "tanh", "gelu", "mish"]
Width = Annotated[int, Field(ge=1, le=65_536)]
Outputs = Annotated[int, Field(ge=1, le=100_000)]


class Mlp(Spec):
    """A multilayer perceptron on flattened inputs, with PyTorch's default initialisation."""

    kind: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[Width, ...], Field(max_length=64)] = (100,)
    """Widths of the hidden layers; an empty list is a linear model."""
    activation: Activation = "relu"
    """Brackets need second derivatives: on ReLU they exist almost everywhere only."""
    bias: bool = True
    """Whether the linear layers carry a bias."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""


class ConvNet(Spec):
    """3×3 convolutions (stride 2 after the first), each with norm and activation; global average pool; linear."""

    kind: Literal["convnet"] = "convnet"
    channels: Annotated[tuple[Width, ...], Field(min_length=1, max_length=32)] = (8, 16, 32)
    """Output channels of each convolution."""
    norm: Literal["batch", "none"] = "batch"
    """`batch`: BatchNorm after each convolution, which then has no bias."""
    activation: Activation = "mish"
    """Activation after each convolution."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""


class RegistryModel(Spec):
    """A model installed on the workers under the entry-point group `holonomy.models`."""

    kind: Literal["registry"] = "registry"
    name: Name
    """Name of the entry point."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the factory."""


Model = Annotated[Mlp | ConvNet | RegistryModel, Field(discriminator="kind")]
