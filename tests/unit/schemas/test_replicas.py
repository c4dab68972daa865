"""Replica specs: what is accepted, what is refused and in which words."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.canonical import digest
from schemas.jobs import job_spec
from schemas.looks import Listed
from schemas.perturbations import Gaussian, Sphere, SwapSteps
from schemas.replicas import Arm, Replicas
from schemas.training import Training

RUN: dict[str, Any] = {"kind": "training", "steps": 100, "checkpoints": [0, 50]}
NOISE: dict[str, Any] = {"kind": "gaussian", "epsilon": 0.1, "scale": "global"}


def replicas(*perturbations: dict[str, Any], **changes: Any) -> Replicas:
    arms = [{"perturbations": list(perturbations) or [NOISE], "replicas": 3}]
    return Replicas.model_validate({"training": RUN, "arms": arms, **changes})


@pytest.mark.parametrize(
    ("perturbation", "message"),
    [
        ({**NOISE, "step": 101}, "the gaussian of arm arm-0 reaches step 101, past the end of the run's 100 steps"),
        ({"kind": "swap_steps", "first": 3, "second": 120}, "reaches step 120, past the end"),
        ({"kind": "swap_steps", "first": 3, "second": 3}, "two different steps are swapped; came 3 twice"),
        (
            {"kind": "swap_examples", "first": {"step": 1, "position": 0}, "second": {"step": 101, "position": 0}},
            "reaches step 101",
        ),
        (
            {"kind": "swap_examples", "first": {"step": 1, "position": 0}, "second": {"step": 1, "position": 0}},
            "two different places are swapped",
        ),
        ({"kind": "reshuffle", "after": 100}, "reaches step 101"),
        ({"kind": "reseed", "after": 100}, "reaches step 101"),
        ({"kind": "drop_example", "example": 1, "step": 200}, "reaches step 200"),
        ({"kind": "replace_example", "example": 1, "by": 1}, "replaced by another one; came 1 twice"),
        ({"kind": "change", "parameter": "lr", "start": 1, "stop": 5}, "one of the two"),
        ({"kind": "change", "parameter": "lr", "factor": 2, "start": 6, "stop": 5}, "came 6 to 5"),
        ({"kind": "change", "parameter": "lr", "factor": 2, "start": 6, "stop": 500}, "reaches step 500"),
        (
            {"kind": "change", "parameter": "beta1", "value": 0.5, "start": 1, "stop": 5},
            "sgd has no beta1 to change; it has lr, momentum, dampening, weight_decay",
        ),
        ({"kind": "sphere", "epsilon": 2.5, "scale": "global"}, "a relative epsilon is at most 2; came 2.5"),
        ({"kind": "sphere", "epsilon": 1, "scale": "global", "unmovable": "additive"}, "give both or neither"),
        ({"kind": "sphere", "epsilon": 1, "scale": "global", "additive_sd": 0.1}, "give both or neither"),
        ({"kind": "gaussian", "epsilon": 0.1}, "scale"),
        ({**NOISE, "where": {"element": 3, "fraction": 0.5}}, "leave fraction out"),
        ({"kind": "reinitialise", "step": 101}, "the reinitialise of arm arm-0 reaches step 101"),
    ],
)
def test_bad_perturbations(perturbation: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        replicas(perturbation)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": []}, "at least 1 item"),
        ({"arms": [{"perturbations": []}]}, "at least 1 item"),
        (
            {"arms": 2 * [{"name": "a", "perturbations": [NOISE]}]},
            "arms have different names; came more than once: a",
        ),
        ({"arms": [{"name": "twin", "perturbations": [NOISE]}]}, "an arm cannot be called twin"),
        ({"looks": {"kind": "listed", "steps": [7, 101]}}, r"looks \[101\] lie beyond the run's 100 steps"),
        (
            {"arms": 2 * [{"perturbations": [NOISE], "replicas": 10_000}]},
            "at most 10,000 replicas; these arms have 20,000",
        ),
        (
            {"growth": {"start": 50, "stop": 20}},
            "rise from start to stop and lie within the run's 100 steps; came 50 to 20",
        ),
        ({"growth": {"start": 5, "stop": 200}}, "came 5 to 200"),
        (
            {"training": {**RUN, "checkpoints": []}, "autocorrelation": True},
            "between checkpoints, and the run has one, at step 100: name more in training.checkpoints",
        ),
        ({"growth": {"start": 101}}, "and lie within the run's 100 steps; came 101 to the end"),
        (
            {"training": {**RUN, "model": {"kind": "transformer"}}, "alignment": {}},
            "alignment needs a permutation spec; a transformer has none",
        ),
        (
            {"training": {**RUN, "optimizer": {"kind": "registry", "name": "lion"}}},
            "replicas cannot be trained by a registry optimizer",
        ),
    ],
)
def test_bad_jobs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        replicas(**changes)


def test_replicas_are_numbered_arm_after_arm() -> None:
    moves = (Gaussian(epsilon=0.1, scale="global"),)
    spec = Replicas(
        training=Training(steps=10),
        arms=(Arm(perturbations=moves, replicas=2), Arm(name="b", perturbations=moves, replicas=3)),
    )
    assert spec.arm_names == ("arm-0", "b")
    assert spec.count == 5
    assert [spec.place(replica) for replica in range(5)] == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    for stranger in (-1, 5):
        with pytest.raises(IndexError, match=f"replicas 0 to 4, asked for {stranger}"):
            spec.place(stranger)


def test_checkpoints_are_always_looked_at() -> None:
    spec = replicas(looks={"kind": "listed", "steps": [7]})
    assert isinstance(spec.looks, Listed)
    assert spec.looked_at == (0, 7, 50, 100)


def test_epsilon_is_that_of_the_first_perturbation_with_one() -> None:
    swap = SwapSteps(first=1, second=2)
    assert Arm(perturbations=(swap, Sphere(epsilon=0.5, scale="global"))).epsilon == 0.5
    assert Arm(perturbations=(swap,)).epsilon is None


def test_a_replica_job_survives_a_round_trip() -> None:
    spec = replicas(barriers={}, alignment={"restarts": 2}, lyapunov={"exponents": 3}, autocorrelation=True)
    again = job_spec.validate_json(spec.model_dump_json())
    assert again == spec
    assert digest(again) == digest(spec)
