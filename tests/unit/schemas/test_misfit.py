"""Which models take which inputs, and in which words the others are refused."""

import pytest

from schemas.misfit import misfit
from schemas.models import BagOfEmbeddings, ConvNet, Layers, Mlp, Model, MxResNet, RegistryModel, Transformer

IMAGE, TEXT, POINT = (3, 8, 12), (20,), (7,)


@pytest.mark.parametrize("model", [Mlp(), ConvNet(), MxResNet(), Transformer(), RegistryModel(name="x")])
def test_images_fit(model: Model) -> None:
    assert misfit(model, IMAGE, None, 2) is None


@pytest.mark.parametrize("model", [Transformer(), Transformer(patch=3), BagOfEmbeddings(), RegistryModel(name="x")])
def test_texts_fit(model: Model) -> None:
    assert misfit(model, TEXT, 50, 2) is None


@pytest.mark.parametrize(
    ("model", "shape", "vocabulary", "message"),
    [
        (Mlp(), TEXT, 50, "an mlp takes numbers, and the data is text, as 20 token ids: use a bag_of_embeddings or"),
        (ConvNet(), TEXT, 50, "a convnet takes numbers, and the data is text"),
        (MxResNet(), TEXT, 50, "an mxresnet takes numbers, and the data is text"),
        (
            BagOfEmbeddings(),
            IMAGE,
            None,
            "a bag_of_embeddings takes text, the data has inputs of shape (3, 8, 12): use",
        ),
        (MxResNet(), POINT, None, "an mxresnet needs inputs of shape (channels, height, width), the data has (7,)"),
        (
            Transformer(),
            POINT,
            None,
            "a transformer needs inputs of shape (channels, height, width), the data has (7,)",
        ),
        (Transformer(patch=8), IMAGE, None, "patch of 8 pixels must divide height and width, the images have 8 × 12"),
        (
            Mlp(hidden=Layers(depth=2, parameters=9)),
            IMAGE,
            None,
            "depth 2 with 288 inputs and 2 outputs has at",
        ),
        (ConvNet(channels=Layers(depth=2, parameters=9)), IMAGE, None, "depth 2 with 3 inputs and 2 outputs has at"),
        (BagOfEmbeddings(hidden=Layers(depth=1, parameters=9)), TEXT, 50, "depth 1 with 50 inputs and 2 outputs has"),
        (Transformer(patch=6), IMAGE, None, "the images have 8 × 12: choose a divisor of both"),
    ],
)
def test_misfits_say_what_to_do(model: Model, shape: tuple[int, ...], vocabulary: int | None, message: str) -> None:
    reason = misfit(model, shape, vocabulary, 2)
    assert reason is not None
    assert message in reason
    assert "\n" not in reason
