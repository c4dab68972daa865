"""What a segment has found: rows, arrays for the summary, and the same of replicas that were trained apart."""

import pytest
import torch

from schemas.replicas import Replicas
from tests.support.replica_jobs import NOISE, replica_job
from workers.data.digits import digits
from workers.replicas.group import Group
from workers.replicas.record import COMMON, START_NORMS, Record, members_of

SPEC = replica_job([NOISE], [{**NOISE, "epsilon": 0.2}], measures={"cka": True})

DATA = digits().to(torch.device("cpu"), torch.float32)


def recorded(replicas: range, spec: Replicas = SPEC) -> Record:
    group = Group.start(spec, DATA, torch.float32, 4, replicas)
    record = Record((-5, *replicas))
    group.move(0)
    record.look(0, group.look(0, checkpoint=False))
    for step in range(1, 3):
        group.step(step)
    record.look(2, group.look(2, checkpoint=True))
    record.states[2] = group.arrays()
    record.end(group)
    return record


def test_replicas_trained_apart_join_to_what_they_are_together() -> None:
    whole, joined = recorded(range(4)), recorded(range(1)).joined(recorded(range(1, 4)))
    assert joined.replicas == whole.replicas == (-5, 0, 1, 2, 3)
    assert joined.looks().keys() == whole.looks().keys()
    for name, tensor in whole.looks().items():
        torch.testing.assert_close(joined.looks()[name], tensor, rtol=0, atol=0, equal_nan=True)
    for name, tensor in whole.states[2].items():
        torch.testing.assert_close(joined.states[2][name], tensor, rtol=0, atol=0, equal_nan=True)
    for table, rows in whole.tables().items():
        other = joined.tables()[table]
        keys = sorted(rows)
        assert sorted(zip(*(map(str, rows[key]) for key in keys), strict=True)) == sorted(
            zip(*(map(str, other[key]) for key in keys), strict=True)
        )


@pytest.mark.parametrize(("part", "whose"), [(0, "twin"), (1, "baseline"), (1, "twin")])
def test_a_floor_that_one_of_two_parts_has_lost_is_lost(part: int, whose: str) -> None:
    parts = [recorded(range(1)), recorded(range(1, 2))]
    parts[part].ends[f"{whose}_digest"] = torch.zeros(32, dtype=torch.uint8)
    ends = parts[0].joined(parts[1]).ends
    assert not torch.equal(ends["baseline_digest"], ends["twin_digest"])


@pytest.mark.parametrize("momentum_in", [0, 1])
def test_slots_that_only_one_of_two_parts_has_needed_are_joined(momentum_in: int) -> None:
    arms = [NOISE, {"kind": "change", "parameter": "momentum", "value": 0.9, "start": 1, "stop": 12}]
    spec = replica_job(*([arm] for arm in (arms if momentum_in else arms[::-1])), replicas=1)
    whole, joined = recorded(range(2), spec), recorded(range(1), spec).joined(recorded(range(1, 2), spec))
    assert joined.states[2].keys() == whole.states[2].keys()
    for name, tensor in whole.states[2].items():
        torch.testing.assert_close(joined.states[2][name], tensor, rtol=0, atol=0, equal_nan=True)
    assert whole.states[2]["slots/1.weight/momentum_buffer"][COMMON + momentum_in].any()


def test_tables_hold_all_looks_and_hidden_layers_those_of_checkpoints() -> None:
    tables = recorded(range(2)).tables()
    assert list(tables["replica_baseline"]["step"]) == [0, 2]
    assert set(tables["replica_metrics"]["step"]) == {0, 2}
    assert set(tables["replica_layers"]["step"]) == {2}


def test_without_a_look_there_is_nothing() -> None:
    record = Record((-1, 0))
    assert record.tables() == {}
    assert record.looks()["steps"].tolist() == []


def test_members_are_taken_out_of_a_state() -> None:
    state = recorded(range(3)).states[2]
    some = members_of(state, [0, 1, COMMON + 2])
    assert torch.equal(some[START_NORMS], state[START_NORMS])
    assert torch.equal(some["steps_taken"], state["steps_taken"][[0, 1, 4]])
    assert all(len(tensor) == 3 for name, tensor in some.items() if name != START_NORMS)
