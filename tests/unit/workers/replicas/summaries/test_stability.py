import numpy as np
import pytest

from schemas.perturbations import Gaussian, Reinitialise, Reseed, Reshuffle, SwapSteps
from schemas.replica_results import REPLICA_STABILITY
from schemas.replicas import Arm, Replicas
from schemas.training import Training
from workers.replicas.summaries.stability import Departure, departs_after, departures, stability_rows, stability_time

NOISE = Gaussian(epsilon=0.1, scale="global")


def departed(*stable: tuple[int, bool]) -> list[Departure]:
    return [Departure(f"arm-{after}", after, 0.0, float("nan"), held) for after, held in stable]


@pytest.mark.parametrize(
    ("tried", "time"),
    [
        ([(0, False), (10, True), (20, True)], 10),
        ([(20, True), (0, True), (10, True)], 0),
        ([(0, True), (10, False), (20, True)], 20),  # below 10 by chance
        ([(0, True), (10, True), (20, False)], None),
        ([(10, True), (10, False), (20, True)], 20),
        ([(20, True), (20, False)], None),
        ([], None),
    ],
)
def test_the_stability_time_is_the_earliest_from_which_on_all_are_stable(
    tried: list[tuple[int, bool]], time: int | None
) -> None:
    assert stability_time(departed(*tried)) == time


def test_arms_depart_at_their_first_other_order() -> None:
    assert departs_after(Arm(perturbations=(Reseed(after=7), Reshuffle(after=3)))) == 3
    assert departs_after(Arm(perturbations=(SwapSteps(first=1, second=2),))) is None


def test_arms_that_never_shared_a_start_or_a_rate_say_nothing_of_stability() -> None:
    assert departs_after(Arm(perturbations=(NOISE, Reseed(after=7)))) is None
    assert departs_after(Arm(perturbations=(Reseed(after=7), Reinitialise()))) is None


def test_barriers_are_means_over_the_finite_replicas_of_an_arm() -> None:
    spec = Replicas(
        training=Training(steps=9),
        arms=(
            Arm(perturbations=(NOISE,), replicas=1),
            Arm(name="a", perturbations=(Reshuffle(after=1),), replicas=3),
            Arm(name="b", perturbations=(Reseed(after=5),), replicas=2),
            Arm(name="c", perturbations=(Reseed(after=8),), replicas=1),
        ),
    )
    barriers = np.array([9.0, 0.1, np.nan, 0.3, 0.01, 0.02, np.nan])
    found = departures(spec, barriers, None)
    assert [(one.arm, one.after, one.stable) for one in found] == [("a", 1, False), ("b", 5, True), ("c", 8, False)]
    assert [one.barrier for one in found[:2]] == [pytest.approx(0.2), pytest.approx(0.015)]
    rows = stability_rows(found)
    assert list(rows) == [column.name for column in REPLICA_STABILITY.columns]
    assert rows["barrier"][2] is None  # all of its replicas diverged
    assert list(rows["aligned_barrier"]) == [None] * 3
    assert rows["stability_time"] == [None] * 3
    aligned = departures(spec, barriers, barriers / 10)
    assert [one.aligned_barrier for one in aligned[:2]] == [pytest.approx(0.02), pytest.approx(0.0015)]


def test_a_job_without_departures_has_no_rows() -> None:
    spec = Replicas(training=Training(steps=9), arms=(Arm(perturbations=(NOISE,), replicas=2),))
    rows = stability_rows(departures(spec, np.zeros(2), None))
    assert all(len(values) == 0 for values in rows.values())
