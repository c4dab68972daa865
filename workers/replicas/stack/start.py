"""The stack of a spec: equal members at the baseline's initialisation.

Axes: R members, L members of a lot.
"""

import torch

from schemas.models import Mlp
from schemas.optimizers import RegistryOptimizer
from schemas.training import Training
from workers.data.dataset import Dataset
from workers.errors import UserFault
from workers.losses import example_loss, loss_targets
from workers.models import initialised
from workers.models.outputs import check_outputs
from workers.replicas.stack.generic import Generic, refuse_unbatchable
from workers.replicas.stack.lots import Batch, lot_size
from workers.replicas.stack.perceptrons import Perceptrons
from workers.replicas.stack.stacked import Stack
from workers.replicas.stack.state import State


def stack(training: Training, dataset: Dataset, dtype: torch.dtype, members: int) -> Stack:
    """The baseline at its initialisation, `members` times, on the dataset's device.

    Args:
        training: The baseline's run: model, loss, seed and kind of optimizer.
        dataset: On the device of the run, with inputs of type `dtype`.
        dtype: Of parameters and arithmetic.
        members: R.

    Raises:
        UserFault: the model, the loss or the optimizer do not fit the data, are not installed, or cannot be stacked.
    """
    if isinstance(training.optimizer, RegistryOptimizer):
        raise UserFault(
            f"replicas need an update rule that is known as a function, and {training.optimizer.name!r} is installed "
            "on the workers: choose sgd, adam, adamw or rmsprop"
        )
    names = dataset.label_names
    model = initialised(training.model, dataset.input_shape, len(names), training.seed, dtype, dataset.vocabulary)
    model = model.to(dataset.train.inputs.device)
    check_outputs(model, dataset)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UserFault("the model has no trainable parameters: choose one that has")
    targets = loss_targets(training.loss, dataset.train.labels, names, dtype)
    state = State(model, members, targets.device)
    loss, L = example_loss(training.loss, names), lot_size(targets.device)
    if isinstance(training.model, Mlp):
        return Stack(state, Perceptrons(training.model, loss, state.columns), dataset, targets, L)
    path = Generic(model, loss, state.columns)
    probe = slice(0, 2)  # two, since statistics over a batch are refused for a single example
    refuse_unbatchable(path, state.copied([0, 0]), Batch.shared(dataset.train.inputs[probe], targets[probe], 2))
    return Stack(state, path, dataset, targets, L)
