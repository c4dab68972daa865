"""The columns of the tables of looks, but for their keys.

Axes: R members, m = R − 1 of them compared with member 0, n parameter tensors.
"""

import numpy as np

from workers.replicas.distances.columns import Floats, quotient
from workers.replicas.distances.landmarks import Landmarks
from workers.replicas.distances.outputs import Answers, OutputDistances
from workers.replicas.distances.parameters import ParameterDistances


def parameter_metrics(distances: ParameterDistances, landmarks: Landmarks, epsilons: Floats) -> dict[str, Floats]:
    """Distances in parameter space, (m,); ratios are NaN where what is divided by is not above 0.

    Args:
        distances: Of all members.
        landmarks: Norm at step 0 and distances after the first move.
        epsilons: ε of each compared member, (m,); NaN for those without one.
    """
    distance = distances.distance[1:]
    return {
        "distance": distance,
        "distance_l1": distances.absolute[1:].sum(1),
        "distance_sup": distances.largest[1:].max(1),
        "relative_now": quotient(distance, distances.norm[:1]),
        "relative_start": quotient(distance, landmarks.start_norm),
        "over_epsilon": quotient(distance, epsilons),
        "growth": quotient(distance, landmarks.first_moves[1:]),
        "cosine": distances.cosine[1:],
    }


def tensor_metrics(distances: ParameterDistances, landmarks: Landmarks) -> dict[str, Floats]:
    """Distances of each tensor, (m · n,), tensor after tensor within a member; NaN as above."""
    distance = np.sqrt(distances.squares[1:])
    columns = {
        "distance": distance,
        "relative_now": quotient(distance, np.sqrt(distances.norm_squares[:1])),
        "relative_start": quotient(distance, landmarks.start_norms),
        "cosine": distances.tensor_cosine[1:],
    }
    return {name: values.reshape(-1) for name, values in columns.items()}


def answer_metrics(answers: Answers, split: str) -> dict[str, Floats]:
    """Loss and accuracy on a split, and how they differ from the baseline's, (m,)."""
    with np.errstate(invalid="ignore"):  # of losses that are infinite
        loss_difference = answers.loss[1:] - answers.loss[0]
    return {
        f"{split}_loss": answers.loss[1:],
        f"{split}_accuracy": answers.accuracy[1:],
        f"{split}_loss_difference": loss_difference,
        f"{split}_accuracy_difference": answers.accuracy[1:] - answers.accuracy[0],
    }


def output_metrics(distances: OutputDistances) -> dict[str, Floats]:
    """Distances in function space, (m,)."""
    columns = {
        "counterfactual_loss": distances.counterfactual_loss,
        "counterfactual_accuracy": distances.counterfactual_accuracy,
        "churn": 1 - distances.counterfactual_accuracy,
        "logit_distance": distances.logit_distance,
        "logit_sup": distances.logit_sup,
        "kl": distances.kl,
        "root_js": distances.root_js,
    }
    return {name: values[1:] for name, values in columns.items()}


def baseline_metrics(distances: ParameterDistances, train: Answers, test: Answers) -> dict[str, Floats]:
    """The baseline itself, (1,)."""
    return {
        "norm": distances.norm[:1],
        "train_loss": train.loss[:1],
        "test_loss": test.loss[:1],
        "train_accuracy": train.accuracy[:1],
        "test_accuracy": test.accuracy[:1],
    }
