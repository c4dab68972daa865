"""Whether the hidden units of a model can be renumbered without changing what it computes, from its spec alone."""

from typing import assert_never

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet, RegistryModel, Transformer

REMEDY = "use an mlp, a convnet, an mxresnet or a bag_of_embeddings, or leave alignment out"
"""What to do about a model without a permutation spec."""


def unpermutable(model: Model) -> str | None:
    """Why networks of this model cannot be aligned, in one line with what to do; None if they can.

    Args:
        model: What the two networks are built from.
    """
    match model:
        case Mlp() | ConvNet() | MxResNet() | BagOfEmbeddings():
            return None
        case Transformer():
            return (
                "alignment needs a permutation spec; a transformer has none: its heads may be rotated as well as "
                f"renumbered; {REMEDY}"
            )
        case RegistryModel():
            return (
                f"alignment needs a permutation spec; the installed model {model.name!r} has none: which of its "
                f"units can be renumbered is not known from its name; {REMEDY}"
            )
        case _:
            assert_never(model)
