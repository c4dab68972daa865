"""A group of replicas in training."""

import pytest
import torch

from schemas.replicas import Replicas
from tests.support.replica_jobs import NOISE, replica_job
from workers.data.digits import digits
from workers.errors import BlockFault
from workers.replicas.group import BASELINE, TWIN, Group, twin_number

DOUBLE = {"dtype": "float64"}


def started(spec: Replicas, replicas: range | None = None) -> Group:
    dataset = digits().to(torch.device("cpu"), torch.float64)
    return Group.start(spec, dataset, torch.float64, 0, range(spec.count) if replicas is None else replicas)


def parameters(group: Group, member: int) -> torch.Tensor:
    return torch.cat([tensor[member].reshape(-1) for tensor in group.stack.parameters.values()])


def test_all_members_start_as_one() -> None:
    group = started(replica_job(training=DOUBLE))
    assert all(torch.equal(parameters(group, BASELINE), parameters(group, member)) for member in range(4))
    assert group.digests()[0] == group.digests()[1]


def test_moves_come_after_their_step_and_leave_baseline_and_twin_alone() -> None:
    group = started(replica_job([{**NOISE, "epsilon": 0.5, "step": 2}], training=DOUBLE, replicas=1))
    replica = TWIN + 1
    group.move(0)
    group.step(1)
    assert torch.equal(parameters(group, replica), parameters(group, BASELINE))
    group.step(2)
    w, w0 = parameters(group, replica), parameters(group, BASELINE)
    assert float((w - w0).norm() / w0.norm()) == pytest.approx(0.5, rel=1e-12)
    assert group.landmarks.first_moves[replica] == pytest.approx(float((w - w0).norm()), rel=1e-12)
    assert torch.equal(parameters(group, TWIN), w0)


def test_a_replica_is_the_same_in_any_group() -> None:
    spec = replica_job([NOISE], [{"kind": "reinitialise"}], training=DOUBLE)
    together, alone = started(spec), started(spec, range(3, 4))
    for group in (together, alone):
        group.move(0)
        group.step(1)
    assert torch.equal(parameters(together, TWIN + 1 + 3), parameters(alone, TWIN + 1))
    assert together.digests() == alone.digests()


def test_a_restored_group_goes_on_bitwise() -> None:
    spec = replica_job([NOISE], training=DOUBLE | {"optimizer": {"kind": "adam"}})
    whole, resumed = started(spec), started(spec)
    whole.move(0)
    whole.step(1)
    resumed.restore(whole.arrays())
    for group in (whole, resumed):
        group.step(2)
    assert torch.equal(parameters(whole, TWIN + 1), parameters(resumed, TWIN + 1))
    assert resumed.landmarks.first_moves[TWIN + 1] == whole.landmarks.first_moves[TWIN + 1] > 0


def test_the_state_of_another_group_is_refused() -> None:
    spec = replica_job(training=DOUBLE, replicas=3)
    with pytest.raises(BlockFault, match="does not fit the stack"):
        started(spec).restore(started(spec, range(2)).arrays())


def test_twins_are_numbered_below_zero() -> None:
    assert [twin_number(group) for group in (0, 1, 7)] == [-1, -2, -8]
