"""Perturbations in training: groups change no bit, and each member is the run that its course describes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from schemas.replicas import Replicas
from workers.data.dataset import Dataset, Split
from workers.models import initialised
from workers.replicas.perturbations import Course, Timetable, courses, moved
from workers.replicas.stack import Stack, stack
from workers.training.optimizers import optimizer
from workers.training.run import Run
from workers.training.schedule import batch_schedule

N, B, STEPS, K = 30, 8, 9, 3
ARMS: list[list[dict[str, Any]]] = [
    [{"kind": "sphere", "epsilon": 0.3, "scale": "per_tensor"}, {"kind": "drop_example", "example": 3}],
    [{"kind": "gradient", "epsilon": 0.1, "scale": "global", "examples": 5, "step": 4}],
    [{"kind": "reshuffle", "after": 5}, {"kind": "swap_steps", "first": 2, "second": 4}],
    [
        {"kind": "change", "parameter": "momentum", "value": 0.0, "start": 3, "stop": 5},
        {"kind": "change", "parameter": "lr", "factor": 3, "start": 5, "stop": 6},
        {"kind": "reseed", "after": 7},
    ],
    [{"kind": "gaussian", "epsilon": 0.1, "scale": "absolute", "step": 2, "where": {"fraction": 0.3}}],
]


def job() -> Replicas:
    return Replicas.model_validate(
        {
            "training": {
                "kind": "training",
                "model": {"kind": "mlp", "hidden": [5], "activation": "tanh"},
                "optimizer": {"kind": "sgd", "lr": 0.2, "momentum": 0.9, "weight_decay": 0.01},
                "steps": STEPS,
                "batch_size": B,
                "dtype": "float64",
                "rate": {"kind": "cosine", "warmup": 2},
            },
            "arms": [{"perturbations": arm, "replicas": 2} for arm in ARMS],
        }
    )


def dataset() -> Dataset:
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(N, 4, generator=draw, dtype=torch.float64)
    split = Split(inputs, torch.arange(N) % K)
    return Dataset(split, split, ("a", "b", "c"), "none")


def trained(replicas: Sequence[int]) -> tuple[Stack, tuple[Course, ...]]:
    spec, data = job(), dataset()
    schedule = batch_schedule(spec.training.seed, N, B, STEPS)
    members = courses(spec, schedule, N, replicas)
    table, made = Timetable(members), stack(spec.training, data, torch.float64, len(members))
    for step in range(STEPS + 1):
        if step:
            made.step(step, table.parts(step))
        for due in table.moves(step):
            held = {name: tensor[due.member] for name, tensor in made.parameters.items()}
            gradient = partial(made.gradient, due.member)
            for name, tensor in moved(held, due.move, due.draw, gradient, N, fresh).items():
                held[name].copy_(tensor)
    return made, members


def fresh(seed: int) -> dict[str, Tensor]:
    return dict(initialised(job().training.model, (4,), K, seed, torch.float64).named_parameters())


def test_no_bit_depends_on_the_group() -> None:
    together, _ = trained(range(10))
    digests = [together.digest(member) for member in range(12)]
    assert digests[0] == digests[1]  # the twin is at distance 0
    assert len(set(digests)) == 11
    for group in ([9, 2, 4], [6], [0, 1, 7, 8]):
        apart, _ = trained(group)
        assert [apart.digest(member) for member in range(len(group) + 2)] == [
            digests[0],
            digests[1],
            *(digests[2 + replica] for replica in group),
        ]


@pytest.mark.parametrize("replica", range(10))
def test_a_member_is_the_run_that_its_course_describes(replica: int) -> None:
    """The same course by PyTorch's own optimizer, one batch after the other."""
    made, (*_, course) = trained([replica])
    training, data = job().training, dataset()
    run = Run.start(training, data, torch.float64)
    parameters = dict(run.model.named_parameters())

    def gradient(batch: Tensor) -> dict[str, Tensor]:
        loss = run.loss(run.model(data.train.inputs[batch]), run.train_targets[batch]).mean()
        return dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))

    for step in range(STEPS + 1):
        if step:
            rule = course.optimizer(step)
            for group in run.optimizer.param_groups:
                group.update({key: optimizer(rule, parameters.values()).defaults[key] for key in ("lr", "momentum")})
            logits = run.model(data.train.inputs[course.batch(step)])
            run.optimizer.zero_grad()
            run.loss(logits, run.train_targets[course.batch(step)]).mean().backward()
            run.optimizer.step()
        for move, draw in course.moves(step):
            for name, tensor in moved(parameters, move, draw, gradient, N, fresh).items():
                parameters[name].data.copy_(tensor)
    for name, parameter in parameters.items():
        torch.testing.assert_close(made.parameters[name][-1], parameter.detach(), rtol=1e-12, atol=1e-13)
