"""Which architectures have a permutation spec, so that networks can be aligned."""

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet


def permutable(model: Model) -> str | None:
    """Why networks of this architecture cannot be aligned; None where they can."""
    if isinstance(model, Mlp | ConvNet | MxResNet | BagOfEmbeddings):
        return None
    return (
        f"alignment needs a permutation spec, and a {model.kind} has none: "
        "leave alignment out, or take mlp, convnet, mxresnet or bag_of_embeddings"
    )
