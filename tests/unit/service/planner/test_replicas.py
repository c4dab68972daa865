"""Replica jobs as blocks: every replica is trained once, every step once, in an order in which inputs are there."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.blocks import (
    JobId,
    ReplicaCorrelations,
    ReplicaExponents,
    ReplicaPaths,
    ReplicaSegment,
    ReplicaSummary,
)
from schemas.data import Digits
from schemas.looks import Every
from schemas.perturbations import Gaussian
from schemas.replicas import Alignment, Arm, Barriers, Lyapunov, Measures, Replicas
from schemas.training import Training
from service.planner.blocks import COMPUTE_TIMEOUT_SECONDS
from service.planner.costs import Cost, Costs, members, on, replica_keys
from service.planner.plan import Cluster, plan
from service.planner.replicas import MAX_SEGMENT_ROWS, SEGMENT_SECONDS, Crew, groups, plan_replicas
from service.planner.size import data_size

DIGITS = data_size(Digits(), None)
EVERYTHING = {"alignment": Alignment(), "barriers": Barriers(), "lyapunov": Lyapunov(), "autocorrelation": True}
KINDS = ("replica_segment", "replica_paths", "replica_exponents", "replica_correlations")


def job(replicas=10, steps=100, checkpoints=(), **changes):
    arms = [Arm(perturbations=[Gaussian(epsilon=0.1, scale="global")], replicas=replicas)]
    return Replicas(training=Training(steps=steps, checkpoints=checkpoints), arms=arms, **changes)


def crew(workers=2, most=1000, device="cpu", tensors=4, checkpoint_seconds=0.0):
    return Crew(device, workers, most, tensors, checkpoint_seconds)


def planned(spec, seconds=1e-3, **bounds):
    costs = dict.fromkeys(KINDS, Cost(seconds, measured=True))
    return plan_replicas(spec, JobId(5), costs, crew(**bounds)).blocks


def payloads(blocks, kind):
    return [block.payload for block in blocks if isinstance(block.payload, kind)]


@given(st.integers(1, 3_000), st.integers(1, 64), st.integers(1, 500), st.none() | st.integers(1, 300))
def test_groups_hold_every_replica_once_and_are_equal_to_within_one(count, workers, most, group_size):
    found = groups(job(count, group_size=group_size), crew(workers, most))
    assert [replica for first, stop in found for replica in range(first, stop)] == list(range(count))
    sizes = {stop - first for first, stop in found}
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= min(most, group_size or most)


@pytest.mark.parametrize(
    ("count", "bounds", "sizes"),
    [
        (10, {"workers": 1}, [10]),
        (10, {"workers": 2}, [5, 5]),
        (10, {"workers": 8}, [3, 3, 4]),  # of three replicas a group spends two members in five on itself
        (2, {"workers": 8}, [2]),
        (10, {"workers": 2, "most": 4}, [2, 3, 2, 3]),  # three groups would leave a worker idle
        (100, {"workers": 2, "device": "cuda"}, [50, 50]),
        (60, {"workers": 2, "device": "cuda"}, [60]),
    ],
)
def test_there_are_as_many_groups_as_workers_can_use(count, bounds, sizes):
    assert [stop - first for first, stop in groups(job(count), crew(**bounds))] == sizes


@given(
    st.integers(0, 2_000),
    st.sets(st.integers(0, 2_000), max_size=6),
    st.floats(1e-5, 1.0),
    st.integers(1, 9),
    st.integers(1, 40),
)
def test_segments_follow_each_other_and_save_the_checkpoints(steps, checkpoints, seconds, workers, replicas):
    spec = job(replicas, steps, tuple(step for step in checkpoints if step <= steps), looks=Every(steps=7))
    blocks = planned(spec, seconds, workers=workers)
    for group, replicas_of in enumerate(groups(spec, crew(workers))):
        own = [
            block for block in blocks if isinstance(block.payload, ReplicaSegment) and block.payload.group == group
        ]
        segments = [block.payload for block in own]
        assert [block.phase for block in own] == list(range(len(own)))
        assert {segment.replicas for segment in segments} == {replicas_of}
        assert (segments[0].start, segments[-1].stop) == (0, steps)
        assert all(before.stop == after.start for before, after in pairwise(segments))
        assert {step for segment in segments for step in segment.save} >= set(spec.training.checkpoints)
        assert all(segment.save[-1] == segment.stop for segment in segments)
        longest = max(segment.stop - segment.start for segment in segments)
        assert longest <= max(1, SEGMENT_SECONDS / (seconds * members(replicas_of)) + 1)
        assert [[need.name for need in block.needs] for block in own] == [
            [f"states/{start:09d}/{group:05d}"] if start else [] for start in (segment.start for segment in segments)
        ]


def test_segments_are_short_where_they_leave_many_rows():
    spec = job(100, 1_000, looks=Every(steps=1))
    segments = payloads(planned(spec, 1e-9, workers=1, tensors=62), ReplicaSegment)
    assert len(segments) == 1_001 * 101 * 62 // MAX_SEGMENT_ROWS + 1
    assert max(segment.stop - segment.start for segment in segments) * 101 * 62 <= MAX_SEGMENT_ROWS
    plain = job(100, 1_000, looks=Every(steps=1), measures=Measures(tensors=False))
    assert len(payloads(planned(plain, 1e-9, workers=1, tensors=62), ReplicaSegment)) == 1


@given(st.integers(1, 3_000), st.integers(1, 50), st.floats(1e-4, 1.0))
def test_exponents_are_cut_where_tangents_are_orthonormalised(steps, every, seconds):
    blocks = planned(job(steps=steps, lyapunov=Lyapunov(every=every)), seconds)
    own = [block for block in blocks if isinstance(block.payload, ReplicaExponents)]
    spans = [(block.payload.start, block.payload.stop) for block in own]
    assert (spans[0][0], spans[-1][1]) == (0, steps)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert all(start % every == 0 for start, _ in spans)
    assert all(stop - start <= max(every, SEGMENT_SECONDS / seconds + every) for start, stop in spans)
    assert [block.phase for block in own] == list(range(len(own)))
    assert all([need.name for need in block.needs] == [f"exponents/{block.payload.start:09d}"] for block in own[1:])


def test_a_run_of_no_steps_measures_its_start():
    blocks = planned(job(steps=0, lyapunov=Lyapunov()))
    assert [block.payload.kind for block in blocks] == ["replica_segment"] * 2 + ["replica_summary"]
    assert {segment.save for segment in payloads(blocks, ReplicaSegment)} == {(0,)}


def test_paths_and_correlations_wait_for_the_training_and_the_summary_for_all():
    spec = job(7, 100, (0, 100), **EVERYTHING)
    blocks = planned(spec, 2.0)
    phases = {
        kind: {b.phase for b in blocks if isinstance(b.payload, kind)} for kind in (ReplicaPaths, ReplicaSummary)
    }
    trained = max(b.phase for b in blocks if isinstance(b.payload, ReplicaSegment | ReplicaExponents))
    assert phases == {ReplicaPaths: {trained + 1}, ReplicaSummary: {trained + 2}}
    seen = [(p.step, replica) for p in payloads(blocks, ReplicaPaths) for replica in range(*p.replicas)]
    assert sorted(seen) == [(step, replica) for step in (0, 100) for replica in range(7)]
    for block in blocks:
        match block.payload:
            case ReplicaPaths() as path:
                assert [need.name for need in block.needs] == [f"states/{path.step:09d}/{path.group:05d}"]
                assert path.first <= path.replicas[0] < path.replicas[1]
            case ReplicaCorrelations(group=group):
                assert [need.name for need in block.needs] == [f"states/{step:09d}/{group:05d}" for step in (0, 100)]
    [summary] = [block for block in blocks if isinstance(block.payload, ReplicaSummary)]
    assert [(need.name, need.prefix) for need in summary.needs] == [
        ("looks/", True),
        ("paths/", True),
        ("correlations/", True),
    ]


def test_the_summary_of_a_plain_job_reads_looks_alone():
    summary = planned(job())[-1]
    assert [need.name for need in summary.needs] == ["looks/"]


def test_blocks_that_must_be_long_may_take_long():
    spec = job(4, 100, (50,), autocorrelation=True)
    timeouts = {block.payload.kind: block.timeout_seconds for block in planned(spec, 1_000.0, workers=1)}
    assert timeouts["replica_correlations"] == 10 * 4 * 1_000
    assert timeouts["replica_summary"] == COMPUTE_TIMEOUT_SECONDS


def test_looks_at_all_examples_take_their_time():
    [segment] = payloads(blocks := planned(job(4, 10, (0,)), workers=1, checkpoint_seconds=100.0), ReplicaSegment)
    assert segment.save == (0, 10)
    assert blocks[0].timeout_seconds == pytest.approx(10 * (4 + 2) * (10 * 1e-3 + 2 * 100))


def test_measured_costs_cut_the_segments():
    spec = job(10, 10_000)
    [key] = replica_keys(spec).values()

    def segments(seconds):
        costs = Costs({on(key, "cpu"): seconds})
        made = plan(spec, job_id=JobId(5), parent_id=None, data=DIGITS, costs=costs, cluster=Cluster(cpu=1))
        assert made.details["measured"] == ["replica_segment"]
        assert made.details["costs"] == {"replica_segment": key}
        return made.details["segments"]

    assert (segments(1e-4), segments(1e-2)) == (1, 40)
