"""A bracket job's model at a checkpoint, made once per process."""

from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor, nn

from schemas.blocks import ObjectRef
from schemas.brackets import Brackets
from schemas.canonical import digest
from workers.brackets.frozen import frozen_statistics
from workers.brackets.functional import Functional
from workers.context import Context
from workers.data import Dataset, load, resolve
from workers.data.dataset import Split
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


def functional_key(spec: Brackets, checkpoint: ObjectRef) -> tuple[Hashable, ...]:
    """Names the function of a job at a checkpoint among those of all jobs."""
    training = spec.training
    # Frozen statistics are those of the chosen examples.
    batch = digest(spec.examples) if spec.batchnorm == "frozen" else None
    return digest(training.model), digest(training.data), digest(training.loss), spec.dtype, checkpoint.sha256, batch


def functional_at(spec: Brackets, checkpoint: ObjectRef, context: Context) -> Functional:
    """The job's model as a function of its parameters, at a checkpoint; remembered by the checkpoint's content.

    Raises:
        UserFault: the model is random in eval mode, couples examples, stops gradients, or does not fit the data.
        BlockFault: the checkpoint belongs to another model.
    """

    def make() -> Functional:
        model, dataset = structure(spec, context)
        check_outputs(model, dataset)
        load_tensors(model, context.arrays(checkpoint))
        functional = Functional.of(model, example_loss(spec.training.loss, dataset.label_names))
        functional.refuse_randomness(dataset.train.inputs[:2])
        functional.refuse_coupling(dataset.train.inputs[:3])
        first = torch.zeros(1, dtype=torch.int64, device=context.device)
        functional.refuse_stopped_gradients(
            dataset.train.inputs[first][0], targets_of(spec, dataset, dataset.train, first)[0]
        )
        if spec.batchnorm == "frozen":
            chosen = torch.from_numpy(resolve(spec.examples, len(dataset.train), "train")).to(context.device)
            functional = frozen_statistics(functional, dataset.train.inputs[chosen], context.check_cancelled)
        return functional

    return context.remember(("functional", *functional_key(spec, checkpoint)), make)


def targets_of(spec: Brackets, dataset: Dataset, split: Split, chosen: Tensor) -> Tensor:
    """Targets (m, K) of the chosen examples of a split."""
    return loss_targets(spec.training.loss, split.labels[chosen], dataset.label_names, torch_dtype(spec.dtype))


def described(spec: Brackets, dataset: Dataset) -> dict[str, Any]:
    """What the numbers of a bracket job are: kept with each of its results."""
    return {
        "field": "-gradient",
        "lr_power": 0,
        "scale": "none: a swap moves parameters by lr² times a bracket",
        "sign": "[v_i, v_j] = H_j g_i - H_i g_j",
        "batchnorm": spec.batchnorm,
        "dtype": spec.dtype,
        "loss": spec.training.loss.model_dump(mode="json"),
        "normalisation": dataset.normalisation,
    }
