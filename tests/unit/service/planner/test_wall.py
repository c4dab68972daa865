import pytest

from service.planner.estimate import Estimate
from service.planner.plan import Cluster
from service.planner.wall import Limits, wall_seconds

FOUR = Cluster(cpu=4, cuda=1)
ALONE = [Estimate(40.0, 10.0, measured=True, device="cpu")] * 3


def test_work_is_shared_by_slots():
    assert wall_seconds(ALONE, 10.0, FOUR, Limits()) == 30.0


def test_a_long_chain_is_not_shared():
    assert wall_seconds(ALONE, 35.0, FOUR, Limits()) == 35.0


def test_each_kind_of_device_has_its_own_work():
    on_gpu = Estimate(50.0, 0.0, measured=True, device="cuda")
    assert wall_seconds([*ALONE, on_gpu], 10.0, FOUR, Limits()) == 50.0


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [(Limits(blocks=2), 60.0), (Limits(blocks=9), 30.0), (Limits(jobs=1), 30.0), (Limits(jobs=1, blocks=1), 120.0)],
)
def test_limits_make_it_longer(limits, seconds):
    assert wall_seconds(ALONE, 10.0, FOUR, limits) == seconds


def test_jobs_one_after_another_take_the_sum_of_their_chains():
    chains = [Estimate(10.0, 10.0, measured=True, device="cpu")] * 8
    assert wall_seconds(chains, 10.0, FOUR, Limits()) == 20.0
    assert wall_seconds(chains, 10.0, FOUR, Limits(jobs=2)) == 40.0


def test_without_a_slot_there_is_no_answer():
    assert wall_seconds(ALONE, 10.0, Cluster(cpu=0, cuda=3), Limits()) is None
    assert wall_seconds([one.times(0.0) for one in ALONE], 0.0, Cluster(cpu=0), Limits()) == 0.0
