"""Losses of single examples, and what logits mean under them."""

from workers.losses.answers import probabilities, right_answers
from workers.losses.choose import LOSSES_GROUP, example_loss
from workers.losses.functions import ExampleLoss
from workers.losses.targets import loss_targets

__all__ = ["LOSSES_GROUP", "ExampleLoss", "example_loss", "loss_targets", "probabilities", "right_answers"]
