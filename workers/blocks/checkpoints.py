"""A bracket job's model at a checkpoint, made once per process."""

from typing import Any

import torch
from torch import Tensor, nn

from schemas.blocks import ObjectRef
from schemas.brackets import Brackets
from schemas.canonical import digest
from workers.brackets.functional import Functional
from workers.context import Context
from workers.data import Dataset, load
from workers.losses import example_loss, loss_targets
from workers.models import initialised
from workers.models.outputs import check_outputs
from workers.precision import torch_dtype
from workers.training.checkpoint import load_tensors


def structure(spec: Brackets, context: Context) -> tuple[nn.Module, Dataset]:
    """A model of the job's kind, with initial parameters, and the data; both of the job's type, on its device.

    Raises:
        UserFault: the model does not fit the data, or a part is not installed.
    """
    dtype = torch_dtype(spec.dtype)
    dataset = load(spec.training.data, context, dtype)
    training = spec.training
    K = len(dataset.label_names)
    model = initialised(training.model, dataset.input_shape, K, training.seed, dtype, dataset.vocabulary)
    return model.to(context.device), dataset


def functional_at(spec: Brackets, checkpoint: ObjectRef, context: Context) -> Functional:
    """The job's model as a function of its parameters, at a checkpoint; remembered by the checkpoint's content.

    Raises:
        UserFault: the model is random in eval mode, couples examples, or does not fit the data.
        BlockFault: the checkpoint belongs to another model.
    """

    def make() -> Functional:
        model, dataset = structure(spec, context)
        check_outputs(model, dataset)
        load_tensors(model, context.arrays(checkpoint))
        functional = Functional.of(model, example_loss(spec.training.loss, dataset.label_names))
        functional.refuse_randomness(dataset.train.inputs[:2])
        return functional

    training = spec.training
    key = (digest(training.model), digest(training.data), digest(training.loss), spec.dtype, checkpoint.sha256)
    return context.remember(("functional", *key), make)


def train_targets(spec: Brackets, dataset: Dataset, chosen: Tensor) -> Tensor:
    """Targets (N, K) of the chosen training examples."""
    labels = dataset.train.labels[chosen]
    return loss_targets(spec.training.loss, labels, dataset.label_names, torch_dtype(spec.dtype))


def label_shares(dataset: Dataset, chosen: Tensor) -> Tensor:
    """Share of the chosen test examples that carry each label: float64 (K,)."""
    labels = dataset.test.labels[chosen]
    held = labels if dataset.independent else torch.nn.functional.one_hot(labels, len(dataset.label_names))
    return held.double().mean(0)


def described(spec: Brackets, dataset: Dataset) -> dict[str, Any]:
    """What the numbers of a bracket job are: kept with each of its results."""
    return {
        "field": "-gradient",
        "lr_power": 0,
        "batchnorm": spec.batchnorm,
        "dtype": spec.dtype,
        "loss": spec.training.loss.model_dump(mode="json"),
        "normalisation": dataset.normalisation,
    }
