from typing import Any

import pytest

from schemas.optimizers import Adam, Sgd
from schemas.perturbations import Gaussian, Sphere
from schemas.replicas import Replicas
from schemas.training import Training
from workers.errors import UserFault
from workers.replicas.perturbations.courses import Course, courses, optimizer_at
from workers.training.schedule import batch_schedule

N, B, STEPS = 20, 6, 10
RUN: dict[str, Any] = {"kind": "training", "steps": STEPS, "batch_size": B, "optimizer": {"kind": "sgd", "lr": 0.5}}
NOISE: dict[str, Any] = {"kind": "gaussian", "epsilon": 0.1, "scale": "global"}
SCHEDULE = batch_schedule(0, N, B, STEPS)


def job(*arms: list[dict[str, Any]], replicas: int = 3, **run: Any) -> Replicas:
    made = [{"perturbations": arm, "replicas": replicas} for arm in arms]
    return Replicas.model_validate({"training": {**RUN, **run}, "arms": made, "seed": 8})


def group(spec: Replicas, *replicas: int) -> tuple[Course, ...]:
    return courses(spec, SCHEDULE, N, replicas)


def seen(course: Course) -> list[list[int]]:
    return [course.batch(step).tolist() for step in range(1, STEPS + 1)]


def drawn(course: Course, step: int) -> list[tuple[str, float]]:
    return [(move.kind, float(draw.standard_normal())) for move, draw in course.moves(step)]


def test_the_baseline_and_the_twin_come_first() -> None:
    spec = job([{**NOISE, "step": 4}, {"kind": "reshuffle", "after": 2}, {**NOISE, "scale": "absolute"}], [NOISE])
    baseline, twin, *replicas = group(spec, 1, 2, 3)
    assert len(replicas) == 3
    assert seen(baseline) == seen(twin) == [SCHEDULE.batch(step).tolist() for step in range(1, STEPS + 1)]
    assert not any(baseline.moves(step) for step in range(STEPS + 1))
    (late,), (early,) = twin.moves(4), twin.moves(0)
    assert late[0] == Gaussian(epsilon=0, scale="global", step=4)
    assert early[0] == Gaussian(epsilon=0, scale="absolute")
    assert not baseline.changes
    assert not twin.changes


def test_moves_come_at_their_steps_in_their_order() -> None:
    sphere = {"kind": "sphere", "epsilon": 0.1, "scale": "global"}
    spec = job([{**NOISE, "step": 4}, {**sphere, "step": 4}, sphere])
    *_, replica = group(spec, 0)
    assert [move for move, _ in replica.moves(4)] == [
        Gaussian(epsilon=0.1, scale="global", step=4),
        Sphere(epsilon=0.1, scale="global", step=4),
    ]
    assert [len(replica.moves(step)) for step in (0, 1, 4)] == [1, 0, 2]


def test_draws_are_the_replicas_own_and_equal_from_arm_to_arm() -> None:
    spec = job([NOISE, NOISE], [{**NOISE, "epsilon": 3}, NOISE])
    _, _, *replicas = group(spec, *range(6))
    first, second = [drawn(replica, 0) for replica in replicas[:3]], [drawn(replica, 0) for replica in replicas[3:]]
    assert first == second
    assert len({number for moves in first for _, number in moves}) == 6
    assert drawn(replicas[0], 0) == first[0]  # from their beginning, each time


@pytest.mark.parametrize("kind", ["reshuffle", "reseed"])
def test_nothing_depends_on_the_group(kind: str) -> None:
    spec = job([NOISE, {"kind": kind, "after": 3}], [{"kind": kind, "after": 5}, NOISE])
    together = group(spec, *range(6))[2:]
    assert len({str(seen(course)) for course in together}) == 6
    for replica in (5, 0, 3):
        *_, alone = group(spec, replica)
        assert seen(alone) == seen(together[replica])
        assert drawn(alone, 0) == drawn(together[replica], 0)


def test_batches_without_a_draw_are_one_object_for_the_arm() -> None:
    spec = job([NOISE, {"kind": "drop_example", "example": 3}])
    _, _, first, second, third = group(spec, 0, 1, 2)
    assert first.batches is second.batches is third.batches
    assert all(3 not in batch for batch in seen(first))


def test_the_rule_of_a_step() -> None:
    change = {"kind": "change", "parameter": "lr", "factor": 0.1, "start": 3, "stop": 5}
    *_, replica = group(job([change]), 0)
    rates = [replica.optimizer(step).lr for step in range(1, STEPS + 1)]
    assert rates == [0.5] * 2 + [0.05] * 3 + [0.5] * 5


def test_the_schedule_multiplies_what_the_window_gives() -> None:
    change = {"kind": "change", "parameter": "lr", "value": 2.0, "start": 6, "stop": 6}
    rate = {"kind": "linear", "to": 0.0, "over": 10}
    spec = job([change], rate=rate)
    baseline, twin, replica = group(spec, 0)
    assert [baseline.optimizer(step).lr for step in (1, 6, 10)] == pytest.approx([0.5, 0.25, 0.05])
    assert twin.optimizer(6) == baseline.optimizer(6)
    assert [replica.optimizer(step).lr for step in (1, 6, 10)] == pytest.approx([0.5, 1.0, 0.05])


def test_a_rule_that_nothing_changes_is_the_runs_own() -> None:
    training = Training(steps=3, optimizer=Adam())
    assert optimizer_at(training, (), 2) is training.optimizer
    assert optimizer_at(Training(steps=3, optimizer=Sgd(lr=0.2)), (), 1) == Sgd(lr=0.2)


def test_a_registry_rule_is_not_known() -> None:
    training = Training.model_validate({**RUN, "optimizer": {"kind": "registry", "name": "lion"}})
    with pytest.raises(UserFault, match="cannot be trained by a registry optimizer: take sgd, adam"):
        optimizer_at(training, (), 1)


@pytest.mark.parametrize(
    ("perturbation", "message"),
    [
        ({"kind": "drop_example", "example": 20}, "drop_example reaches index 20 but the train split has 20"),
        ({**NOISE, "kind": "gradient", "examples": 21}, "the batch of a gradient move reaches index 20"),
        ({"kind": "replace_example", "example": 19, "by": 18, "step": 1}, "not in the batch of step 1"),
    ],
)
def test_what_the_data_do_not_hold(perturbation: dict[str, Any], message: str) -> None:
    assert 19 not in SCHEDULE.batch(1)
    with pytest.raises(UserFault, match=message):
        group(job([NOISE], [perturbation]), 0, 3)
