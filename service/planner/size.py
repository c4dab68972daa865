"""Size of a model on its data, from the spec alone: enough to size blocks before anything has been measured."""

from dataclasses import dataclass
from typing import assert_never, cast

from schemas.data import DIGITS_LABELS, DIGITS_TEST, DIGITS_TRAIN, Data, Digits, Images
from schemas.datasets import DatasetManifest, IdxManifest, ImagesManifest, TextManifest
from schemas.images import output_labels
from schemas.misfit import misfit
from schemas.models import BagOfEmbeddings, ConvNet, Mlp, MxResNet, RegistryModel, Transformer, ZooModel
from schemas.training import Training
from service.planner import models
from service.planner.layers import ModelSize

__all__ = ["UNKNOWN_MODEL", "DataSize", "ModelSize", "data_size", "model_size"]

# A model that cannot be looked into here is taken for a middling convolutional network,
UNKNOWN_MODEL = ModelSize(parameters=1_000_000, tensors=50, forward_flops=50_000_000, activations=500_000)
# and data for middling images, or texts where the model takes nothing else.
UNKNOWN_IMAGE = (3, 32, 32)
UNKNOWN_LENGTH, UNKNOWN_VOCABULARY = 256, 10_000


@dataclass(frozen=True)
class DataSize:
    """What the planner knows of a dataset; None where only a worker could say.

    Attributes:
        train: Training examples.
        test: Test examples.
        labels: Number of labels.
        shape: Shape of one input: (channels, height, width), or (length,) of a text.
        vocabulary: Number of tokens of a text dataset, padding included; None where inputs are not text.
    """

    train: int | None
    test: int | None
    labels: int | None
    shape: tuple[int, ...] | None
    vocabulary: int | None = None


def data_size(data: Data, manifest: DatasetManifest | None) -> DataSize:
    """Sizes of a dataset; `manifest` is that of an imported one, which fits the spec."""
    if isinstance(data, Digits):
        return DataSize(DIGITS_TRAIN, DIGITS_TEST, DIGITS_LABELS, (1, 8, 8))
    if manifest is None:
        return DataSize(None, None, None, None)
    train, test, labels = manifest.count("train"), manifest.count("test"), len(manifest.labels)
    match manifest:
        case IdxManifest():
            return DataSize(train, test, labels, (1, *manifest.shape))
        case ImagesManifest():
            names = output_labels(data, manifest) if isinstance(data, Images) else manifest.labels
            return DataSize(train, test, len(names), (manifest.channels, manifest.height, manifest.width))
        case TextManifest():
            return DataSize(train, test, labels, (manifest.length,), manifest.tokenizer.vocabulary)
        case _:
            assert_never(manifest)


def model_size(training: Training, data: DataSize) -> ModelSize:
    """The exact size of the run's model; a stated guess for registry models, and for data that are not known here."""
    model = training.model
    if data.shape is not None:
        shape, vocabulary = data.shape, data.vocabulary
    elif isinstance(model, BagOfEmbeddings):
        shape, vocabulary = (UNKNOWN_LENGTH,), UNKNOWN_VOCABULARY
    else:
        shape, vocabulary = UNKNOWN_IMAGE, None
    labels = data.labels or DIGITS_LABELS
    if isinstance(model, RegistryModel) or misfit(model, shape, vocabulary, labels) is not None:
        return UNKNOWN_MODEL
    return _walked(model, shape, model.outputs or labels, vocabulary)


def _walked(model: ZooModel, shape: tuple[int, ...], outputs: int, vocabulary: int | None) -> ModelSize:
    match model:
        case Mlp():
            return models.mlp(model, shape, outputs)
        case ConvNet():
            return models.convnet(model, shape, outputs)
        case MxResNet():
            return models.mxresnet(model, shape, outputs)
        case Transformer():
            return models.transformer(model, shape, outputs, vocabulary)
        case BagOfEmbeddings():
            return models.bag_of_embeddings(model, shape, outputs, cast("int", vocabulary))  # else a misfit
        case _:
            assert_never(model)
