"""Losses of single examples, and what logits mean under them."""

from workers.losses.answers import probabilities, right_answers
from workers.losses.choose import example_loss
from workers.losses.distributions import log_probabilities
from workers.losses.functions import (
    ExampleLoss,
    binary_cross_entropy_mean,
    binary_cross_entropy_sum,
    cross_entropy,
    squared_error_mean,
    squared_error_sum,
)
from workers.losses.installed import LOSSES_GROUP
from workers.losses.targets import loss_targets

__all__ = [
    "LOSSES_GROUP",
    "ExampleLoss",
    "binary_cross_entropy_mean",
    "binary_cross_entropy_sum",
    "cross_entropy",
    "example_loss",
    "log_probabilities",
    "loss_targets",
    "probabilities",
    "right_answers",
    "squared_error_mean",
    "squared_error_sum",
]
