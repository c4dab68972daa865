"""Alignments and barriers of replicas as blocks."""

import pytest
import torch

from schemas.results import RESULT_TABLES
from tests.support.replica_jobs import NOISE, Ran, replica_job, rows_by
from workers.errors import Cancelled

TRAINED = {"optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9}, "model": {"kind": "mlp", "hidden": [12]}}
ASKED = {"alignment": {"restarts": 3}, "barriers": {"examples": 200}}


@pytest.fixture(scope="module")
def ran() -> Ran:
    job = Ran(replica_job([{"kind": "reinitialise"}], [NOISE], replicas=1, steps=40, training=TRAINED, **ASKED))
    job.segment(0, 40)
    return job


def test_rows_say_what_was_found(ran: Ran) -> None:
    finished = ran.paths(40, (0, 2))
    for table in ("replica_alignments", "replica_barriers"):
        assert set(finished.rows[table]) == {column.name for column in RESULT_TABLES[table].columns}
    alignments = rows_by(finished.rows["replica_alignments"], "replica")
    assert set(alignments) == {(0,), (1,)}
    other, near = alignments[0,], alignments[1,]
    assert other["aligned_distance"] < 0.9 * other["distance"]
    assert other["aligned_distance"] <= other["aligned_median"] <= other["aligned_highest"]
    assert other["moved_units"] > 0.5
    assert near["distance"] < other["distance"]
    assert near["restarts"] == 3
    barriers = rows_by(finished.rows["replica_barriers"], "replica", "aligned", "split", "quantity")
    assert len(barriers) == 2 * 2 * 2 * 2
    naive, aligned = (barriers[0, flag, "train", "loss"] for flag in (False, True))
    assert naive["max_minus_ends"] > aligned["max_minus_ends"]
    # Renumbering hidden units changes no function, so the path ends at the same loss.
    assert aligned["at_replica"] == pytest.approx(naive["at_replica"], rel=1e-5)
    assert (naive["points"], naive["examples"]) == (25, 200)


def test_the_summary_gets_the_same_numbers(ran: Ran) -> None:
    finished = ran.paths(40, (0, 2))
    arrays = ran.stored(finished, "paths/000000040/00000/00000")
    assert arrays["replicas"].tolist() == [0, 1]
    assert arrays["barrier"].shape == (2, 2, 2, 2, 5)
    rows = rows_by(finished.rows["replica_barriers"], "replica", "aligned", "split", "quantity")
    assert arrays["barrier"][1, 0, 1, 1, 0].item() == rows[1, False, "test", "error"]["max_minus_ends"]
    assert arrays["aligned_distance"].dtype == torch.float64


def test_replicas_are_found_in_their_group(ran: Ran) -> None:
    both = rows_by(ran.paths(40, (0, 2)).rows["replica_alignments"], "replica")
    grouped = Ran(ran.spec)
    grouped.segment(0, 40, group=0, replicas=(0, 1))
    grouped.segment(0, 40, group=1, replicas=(1, 2))
    alone = rows_by(grouped.paths(40, (1, 2), group=1, first=1).rows["replica_alignments"], "replica")
    assert alone == {(1,): both[1,]}


def test_only_what_is_asked_for_is_looked_at(ran: Ran) -> None:
    spec = ran.spec.model_copy(update={"alignment": None})
    walked = Ran(spec, ran.context, ran.objects).paths(40, (1, 2))
    assert set(walked.rows) == {"replica_barriers"}
    assert set(walked.rows["replica_barriers"]["aligned"]) == {False}
    assert "aligned_distance" not in ran.stored(walked, "paths/000000040/00000/00001")
    spec = ran.spec.model_copy(update={"barriers": None})
    aligned = Ran(spec, ran.context, ran.objects).paths(40, (1, 2))
    assert set(aligned.rows) == {"replica_alignments"}


def test_it_can_be_cancelled(ran: Ran) -> None:
    job = Ran(ran.spec, ran.context, ran.objects)
    job.context.cancelled = True
    try:
        with pytest.raises(Cancelled):
            job.paths(40, (0, 1))
    finally:
        job.context.cancelled = False
