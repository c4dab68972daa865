"""Whether a model's output fits the labels."""

import torch
from torch import nn

from workers.data.dataset import Dataset
from workers.determinism import forked_generators
from workers.errors import UserFault
from workers.memory import memory_faults


def check_outputs(model: nn.Module, dataset: Dataset) -> None:
    """Run the model on two training examples and return, if it gives one logit per label for each.

    Raises:
        UserFault: the model cannot take the inputs, or gives another shape than (2, K).
        MemoryFault: there was too little memory.
    """
    probe = dataset.train.inputs[:2]  # two, since statistics over a batch are refused for a single example
    expected = (len(probe), len(dataset.label_names))
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), forked_generators(probe.device), memory_faults():
            logits = model(probe)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserFault(
            f"the model cannot take inputs of shape {dataset.input_shape}: {reason}; choose a model for such inputs"
        ) from error
    finally:
        model.train(training)
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != expected:
        came = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise UserFault(
            f"the data has {expected[1]} labels, so the model must give {expected} for {len(probe)} examples, "
            f"it gave {came}: leave `outputs` out of the model or make it equal"
        )
