"""Segments of replica jobs: no bit depends on how a job is cut, and what is found is what was done."""

from typing import Any

import pytest
import torch

from schemas.results import RESULT_TABLES
from tests.support.replica_jobs import NOISE, Ran, replica_job, rows_by
from workers.errors import BlockFault, Cancelled, UserFault

BATCHNORM = {"model": {"kind": "convnet", "channels": [2, 3]}, "optimizer": {"kind": "adam", "lr": 0.01}}
ARMS = ([NOISE], [{"kind": "reshuffle", "after": 3}], [{**NOISE, "step": 5}, {"kind": "drop_example", "example": 7}])


def every_row(*finished: Any) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Rows of replicas, not of twins, whose names say which group they were in."""
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    for one in finished:
        for table, rows in one.rows.items():
            keys = [column.name for column in RESULT_TABLES[table].columns if column.key]
            named = rows_by(rows, *keys)
            found.setdefault(table, {}).update({key: row for key, row in named.items() if row.get("replica", 0) >= 0})
    return found


@pytest.mark.parametrize("training", [{}, BATCHNORM], ids=["mlp-sgd", "convnet-adam"])
def test_no_bit_depends_on_groups_segments_or_memory(training: dict[str, Any]) -> None:
    spec = replica_job(*ARMS, training={**training, "checkpoints": [6]})
    whole = Ran(spec).segment(0, 12)
    expected = every_row(whole)
    resumed = Ran(spec)
    assert every_row(resumed.segment(0, 6), resumed.segment(6, 12)) == expected
    grouped = Ran(spec)
    parts = [grouped.segment(0, 12, group, span) for group, span in enumerate([(0, 1), (1, 5), (5, 6)])]
    assert every_row(*parts) == expected
    short = Ran(spec)
    assert every_row(short.segment(0, 6, shrink=1), short.segment(6, 12, shrink=5)) == expected


def test_states_are_the_same_however_a_job_is_cut() -> None:
    spec = replica_job(*ARMS, training={**BATCHNORM, "checkpoints": [6]})
    one, two = Ran(spec), Ran(spec)
    whole = one.stored(one.segment(0, 12), "states/000000012/00000")
    two.segment(0, 6, shrink=1)
    parts = two.stored(two.segment(6, 12, shrink=2), "states/000000012/00000")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole if not name.startswith("landmarks"))
    assert len(whole["steps_taken"]) == 2 + spec.count


def test_the_twin_equals_the_baseline_bit_by_bit() -> None:
    ran = Ran(replica_job(*ARMS, training=BATCHNORM))
    finished = ran.segment(0, 12, group=3)
    rows = rows_by(finished.rows["replica_metrics"], "step", "replica")
    twins = {key: row for key, row in rows.items() if key[1] < 0}
    assert sorted(twins) == [(0, -4), (4, -4), (8, -4), (12, -4)]
    for row in twins.values():
        assert row["distance"] == row["distance_sup"] == row["logit_sup"] == row["churn"] == row["kl"] == 0
        assert row["cosine"] == 1
        assert row["over_epsilon"] is None
    looks = ran.stored(finished, "looks/00003/000000000")
    assert torch.equal(looks["baseline_digest"], looks["twin_digest"])


def test_what_is_measured_begins_with_what_was_done() -> None:
    ran = Ran(replica_job([{**NOISE, "epsilon": 0.25}], [{**NOISE, "step": 8}]))
    finished = ran.segment(0, 12)
    rows = rows_by(finished.rows["replica_metrics"], "step", "replica")
    for replica in (0, 1):
        assert rows[0, replica]["relative_now"] == pytest.approx(0.25, rel=1e-6)
        assert rows[0, replica]["growth"] == 1
        assert rows[0, replica]["over_epsilon"] == pytest.approx(rows[0, replica]["distance"] / 0.25)
    for replica in (2, 3):
        assert [rows[step, replica]["distance"] for step in (0, 4)] == [0, 0]
        assert rows[4, replica]["growth"] is None
        assert rows[8, replica]["relative_now"] == pytest.approx(0.1, rel=1e-6)
    looks = ran.stored(finished, "looks/00000/000000000")
    assert looks["steps"].tolist() == [0, 4, 8, 12]
    assert looks["replicas"].tolist() == [-1, 0, 1, 2, 3]
    assert looks["distance"][2, 1:].tolist() == [rows[8, replica]["distance"] for replica in range(4)]


def test_the_baseline_tells_the_rate_of_each_step() -> None:
    training = {"optimizer": {"kind": "sgd", "lr": 0.1}, "rate": {"kind": "linear", "warmup": 1}}
    rows = Ran(replica_job(training=training)).segment(0, 12).rows["replica_baseline"]
    expected = [0.05, 0.1 * (1 - 2 / 11), 0.1 * (1 - 6 / 11), 0.1 * (1 - 10 / 11)]
    assert list(rows["lr"]) == pytest.approx(expected, rel=1e-12)


def test_the_baseline_is_told_once_for_all_groups() -> None:
    ran = Ran(replica_job(replicas=4))
    first, second = ran.segment(0, 12, 0, (0, 2)), ran.segment(0, 12, 1, (2, 4))
    assert list(first.rows["replica_baseline"]["step"]) == [0, 4, 8, 12]
    assert "replica_baseline" not in second.rows
    one, other = ran.stored(first, "looks/00000/000000000"), ran.stored(second, "looks/00001/000000000")
    assert torch.equal(one["baseline_digest"], other["baseline_digest"])


def test_a_replica_that_diverges_is_kept_and_marked_and_the_others_go_on() -> None:
    blown = {"kind": "change", "parameter": "lr", "value": 1e30, "start": 2, "stop": 3}
    ran = Ran(replica_job([blown], [NOISE], replicas=1))
    finished = ran.segment(0, 12)
    rows = rows_by(finished.rows["replica_metrics"], "step", "replica")
    assert rows[12, 0]["distance"] is None
    assert rows[12, 0]["test_loss"] is None
    assert rows[12, 1]["distance"] > 0
    assert ran.stored(finished, "looks/00000/000000000")["diverged_steps"].tolist() == [-1, 4, -1]
    calm = Ran(replica_job([{**blown, "value": 0.01}], [NOISE], replicas=1)).segment(0, 12)
    assert rows_by(calm.rows["replica_metrics"], "step", "replica")[12, 1] == rows[12, 1]


def test_a_baseline_that_diverges_ends_the_job_and_keeps_what_was_measured() -> None:
    ran = Ran(replica_job(training={"optimizer": {"kind": "sgd", "lr": 1e30}}))
    with pytest.raises(UserFault, match=r"baseline's loss .* not after step 4 .*lower") as fault:
        ran.segment(0, 12)
    assert fault.value.partial is not None
    assert list(fault.value.partial.rows["replica_baseline"]["step"]) == [0]


def test_a_move_that_cannot_be_made_is_said() -> None:
    ran = Ran(replica_job([{**NOISE, "where": {"tensors": ["nowhere.*"]}}]))
    with pytest.raises(UserFault, match="nowhere"):
        ran.segment(0, 12)


def test_a_segment_needs_the_state_it_goes_on_from() -> None:
    with pytest.raises(BlockFault, match="needs the object 'states/000000006/00000'"):
        Ran(replica_job()).segment(6, 12)


def test_a_segment_can_be_cancelled() -> None:
    ran = Ran(replica_job())
    ran.context.cancelled = True
    with pytest.raises(Cancelled):
        ran.segment(0, 12)
