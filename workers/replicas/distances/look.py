"""One look at a stack: everything that is measured at a step, as rows of tables and as arrays.

Axes: R members (the baseline, its twin, then replicas), m = R − 1 of them compared, n parameter tensors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from schemas.replicas import Measures
from workers.outcome import Rows
from workers.replicas.distances.columns import Flags, Floats, nullable
from workers.replicas.distances.examples import Examples
from workers.replicas.distances.landmarks import Landmarks
from workers.replicas.distances.layers import layer_similarities
from workers.replicas.distances.meaning import Meaning
from workers.replicas.distances.metrics import (
    answer_metrics,
    baseline_metrics,
    output_metrics,
    parameter_metrics,
    tensor_metrics,
)
from workers.replicas.distances.outputs import answers, answers_and_distances
from workers.replicas.distances.parameters import parameter_distances


class Members(Protocol):
    """What is looked at; `workers.replicas.stack.Stack` is one."""

    parameters: dict[str, Tensor]
    """By name in the model's order, (R, *shape)."""
    buffers: dict[str, Tensor]
    """By name, (R, *shape)."""

    def logits(self, inputs: Tensor) -> Tensor:
        """(n, *input_shape) → (R, n, K), in eval mode."""
        ...


@dataclass(frozen=True)
class Look:
    """What was found at a step.

    Attributes:
        rows: Of `replica_metrics` and `replica_baseline`, and of `replica_tensors` and `replica_layers` where they
            are measured; what is not finite is None, but for the baseline's own row.
        metrics: Float columns of `replica_metrics` by name, (m,), as they are: NaN and infinity included.
        finite: Members whose losses and parameters are finite, (R,).
        landmarks: Those for the next look.
    """

    rows: dict[str, Rows]
    metrics: dict[str, Floats]
    finite: Flags
    landmarks: Landmarks


@dataclass(frozen=True)
class Gauge:
    """Measures the stacks of a group.

    Attributes:
        model: The structure, in eval mode; its own parameters are not used.
        meaning: How logits are read.
        measures: What is asked for.
        drawn: Examples of every look.
        everything: Examples of checkpoints.
        replicas: The job's numbers of the members after the baseline, (m,): −1 − group of the twin first.
        epsilons: ε of each of them, (m,); NaN for those without one.
    """

    model: nn.Module
    meaning: Meaning
    measures: Measures
    drawn: Examples
    everything: Examples
    replicas: Sequence[int]
    epsilons: Floats

    def look(self, members: Members, step: int, lr: float, landmarks: Landmarks, *, checkpoint: bool) -> Look:
        """Measure all members at a step; one that is not finite changes nothing of what is found of the others.

        Args:
            members: The stack, R = m + 1.
            step: Optimizer steps taken.
            lr: Learning rate, for the baseline's row.
            landmarks: From the look before, and with the moves made since.
            checkpoint: Whether all examples are measured, and hidden layers if they are asked for.
        """
        examples = self.everything if checkpoint else self.drawn
        parameters = parameter_distances(members.parameters)
        train = answers(self.meaning, members.logits, examples.train)
        test, outputs = answers_and_distances(self.meaning, members.logits, examples.test)
        finite = np.isfinite(parameters.norm) & np.isfinite(train.loss) & np.isfinite(test.loss)
        metrics = {
            **parameter_metrics(parameters, landmarks, self.epsilons),
            **answer_metrics(train, "train"),
            **answer_metrics(test, "test"),
            **output_metrics(outputs),
        }
        counted = {"train_examples": train.examples, "test_examples": test.examples}
        rows: dict[str, Rows] = {
            "replica_metrics": self._rows(step, metrics, counted),
            "replica_baseline": {
                "step": [step],
                **baseline_metrics(parameters, train, test),
                "lr": [lr],
                **{name: [count] for name, count in counted.items()},
            },
        }
        if self.measures.tensors:
            names = {"tensor": list(members.parameters)}
            rows["replica_tensors"] = self._rows(step, tensor_metrics(parameters, landmarks), within=names)
        if self.measures.cka and checkpoint:
            layers, similarities = layer_similarities(self.model, _each(members), self.drawn.test)
            rows["replica_layers"] = self._rows(step, {"cka": similarities.reshape(-1)}, within={"layer": layers})
        return Look(rows, metrics, finite, landmarks.looked(step, finite))

    def _rows(
        self,
        step: int,
        floats: Mapping[str, Floats],
        equal: Mapping[str, int] | None = None,
        within: Mapping[str, Sequence[str]] | None = None,
    ) -> dict[str, Any]:
        """Columns of a table with a row per compared member, or one per member and name of something within it."""
        inner = within or {}
        times = len(next(iter(inner.values()), ("",)))
        replicas = np.repeat(np.array(self.replicas, dtype=np.int64), times)
        return {
            "step": np.full(len(replicas), step),
            "replica": replicas,
            **{name: list(values) * len(self.replicas) for name, values in inner.items()},
            **nullable(floats),
            **{name: np.full(len(replicas), value) for name, value in (equal or {}).items()},
        }


def _each(members: Members) -> list[dict[str, Tensor]]:
    """Parameters and buffers of each member by name."""
    stacked = members.parameters | members.buffers
    count = len(next(iter(stacked.values())))
    return [{name: tensor[member] for name, tensor in stacked.items()} for member in range(count)]
