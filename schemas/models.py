"""Model specs. Input shapes come from the data; `outputs` defaults to the number of labels.

Brackets need second derivatives, which on ReLU and max-pooling exist almost everywhere only.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from schemas.base import Name, Spec

Activation = Literal["relu", "tanh", "gelu", "mish", "silu", "softplus"]
Initialisation = Literal["pytorch", "kaiming_normal", "kaiming_sphere"]
MAX_WIDTH = 65_536
MAX_DEPTH = 64
Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Widths = Annotated[tuple[Width, ...], Field(max_length=MAX_DEPTH)]
Outputs = Annotated[int, Field(ge=1, le=100_000)]


class Layers(Spec):
    """Layers of equal width, by their number and either that width or the parameters that the model is to have."""

    depth: Annotated[int, Field(ge=1, le=MAX_DEPTH)]
    """How many layers."""
    width: Width | None = None
    """Width of each."""
    parameters: Annotated[int, Field(ge=1, le=10**15)] | None = None
    """Parameters of the whole model. The width is the one that comes nearest, of two the smaller; the number that the
    model has then stands in the records of the run's blocks."""

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.width is None) == (self.parameters is None):
            raise ValueError("give either the `width` of the layers or the model's `parameters`, not both or neither")
        return self


class Mlp(Spec):
    """A multilayer perceptron on flattened inputs."""

    kind: Literal["mlp"] = "mlp"
    hidden: Widths | Layers = (100,)
    """Widths of the hidden layers, or layers of equal width; an empty list is a linear model."""
    activation: Activation = "relu"
    """Brackets need second derivatives: on ReLU they exist almost everywhere only."""
    bias: bool = True
    """Whether the linear layers carry a bias."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""
    initialisation: Initialisation = "pytorch"
    """`kaiming_normal`: weights N(0, 2/fan_in); `kaiming_sphere`: on the sphere of that radius; biases 0."""


class ConvNet(Spec):
    """3×3 convolutions (stride 2 after the first), each with norm and activation; global average pool; linear."""

    kind: Literal["convnet"] = "convnet"
    channels: Annotated[tuple[Width, ...], Field(min_length=1, max_length=MAX_DEPTH)] | Layers = (8, 16, 32)
    """Output channels of each convolution, or convolutions with equally many."""
    norm: Literal["batch", "none"] = "batch"
    """`batch`: BatchNorm after each convolution, which then has no bias."""
    activation: Activation = "mish"
    """Activation after each convolution."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""
    initialisation: Initialisation = "pytorch"
    """As for `mlp`; BatchNorm starts as the identity."""


class MxResNet(Spec):
    """A residual network with a stem of three 3×3 convolutions; strided shortcuts are average-pooled; no attention.

    The stem ends in a max-pool, whose derivatives exist almost everywhere only.
    """

    kind: Literal["mxresnet"] = "mxresnet"
    depth: Literal[18, 34, 50] = 18
    """18 and 34 have branches of two 3×3 convolutions; 50 of 1×1, 3×3 and 1×1, with four times the channels."""
    activation: Activation = "mish"
    """Activation in the stem, in the branches and after each sum."""
    zero_last_norm: bool = True
    """Start the last BatchNorm of each branch at 0, so that the other tensors of the branch have no gradient yet."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""
    initialisation: Initialisation = "kaiming_normal"
    """As for `mlp`; a BatchNorm that is not the last of its branch starts as the identity."""


class Transformer(Spec):
    """A pre-norm transformer encoder on patches of images or on tokens, averaged over positions; linear head.

    Positions are embedded and learned. Token 0 is padding: it is neither attended to nor averaged.
    """

    kind: Literal["transformer"] = "transformer"
    width: Annotated[int, Field(ge=1, le=8_192)] = 64
    """Features of a position."""
    depth: Annotated[int, Field(ge=1, le=64)] = 2
    """Number of blocks: attention and a two-layer perceptron, each behind a LayerNorm and added to its input."""
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    """Attention heads; they share the width out among them."""
    mlp_ratio: Annotated[int, Field(ge=1, le=16)] = 4
    """Hidden width of the perceptrons, in units of `width`."""
    activation: Activation = "gelu"
    """Activation inside the perceptrons."""
    patch: Annotated[int, Field(ge=1, le=256)] = 4
    """Edge of an image's square patches, in pixels; it divides height and width. Of no effect on tokens."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""
    initialisation: Initialisation = "pytorch"
    """As for `mlp`; LayerNorm starts as the identity, embeddings with unit variance."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(
                f"the width must be a multiple of the heads; came width {self.width}, heads {self.heads}"
            )
        return self


class BagOfEmbeddings(Spec):
    """A text classifier: the mean of the tokens' embeddings, padding (token 0) left out, into a perceptron."""

    kind: Literal["bag_of_embeddings"] = "bag_of_embeddings"
    width: Width = 64
    """Features of a token."""
    hidden: Widths | Layers = (64,)
    """Widths of the hidden layers, or layers of equal width; an empty list makes the logits linear in the mean."""
    activation: Activation = "gelu"
    """Activation after each hidden layer."""
    outputs: Outputs | None = None
    """Number of logits K; by default the number of labels in the data."""
    initialisation: Initialisation = "pytorch"
    """As for `mlp`; embeddings have unit variance."""


class RegistryModel(Spec):
    """A model installed on the workers under the entry-point group `holonomy.models`."""

    kind: Literal["registry"] = "registry"
    name: Name
    """Name of the entry point."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the factory."""


ZooModel = Mlp | ConvNet | MxResNet | Transformer | BagOfEmbeddings
"""The models that come with Holonomy."""
Model = Annotated[ZooModel | RegistryModel, Field(discriminator="kind")]
