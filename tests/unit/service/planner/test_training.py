from hypothesis import given
from hypothesis import strategies as st

from schemas.blocks import JobId
from schemas.training import Training
from service.planner.costs import Cost
from service.planner.training import plan_training, segment_steps


def payloads(steps, checkpoints=(), seconds_per_step=0.001):
    spec = Training(steps=steps, checkpoints=checkpoints)
    return [block.payload for block in plan_training(spec, JobId(1), Cost(seconds_per_step, measured=False)).blocks]


def test_segments_end_at_checkpoints():
    assert [(s.start, s.stop, s.save) for s in payloads(100, (0, 20, 50))] == [
        (0, 20, (0, 20)),
        (20, 50, (50,)),
        (50, 100, (100,)),
    ]


def test_a_run_of_no_steps_keeps_its_initialisation():
    assert [(s.start, s.stop, s.save) for s in payloads(0)] == [(0, 0, (0,))]


def test_long_stretches_are_cut():
    cut = payloads(1_000, (1_000,), seconds_per_step=0.1)
    assert [(s.start, s.stop) for s in cut] == [(0, 200), (200, 400), (400, 600), (600, 800), (800, 1_000)]


@given(
    st.integers(0, 5_000),
    st.sets(st.integers(0, 5_000), max_size=10),
    st.floats(1e-4, 10.0),
)
def test_segments_follow_each_other_and_save_what_was_asked(steps, checkpoints, seconds):
    checkpoints = tuple(sorted(step for step in checkpoints if step <= steps))
    spec = Training(steps=steps, checkpoints=checkpoints)
    segments = payloads(steps, checkpoints, seconds)
    assert segments[0].start == 0
    assert segments[-1].stop == steps
    assert [s.stop for s in segments[:-1]] == [s.start for s in segments[1:]]
    assert {step for s in segments for step in s.save} >= set(spec.checkpoints)
    longest = segment_steps(Cost(seconds, measured=True))
    for segment in segments:
        assert segment.save[-1] == segment.stop
        assert segment.stop - segment.start <= longest
        assert (0 in segment.save) == (segment.start == 0 and 0 in spec.checkpoints)


def test_each_phase_resumes_from_the_one_before():
    plan = plan_training(Training(steps=2, checkpoints=(1,)), JobId(9), Cost(1.0, measured=False))
    assert [block.phase for block in plan.blocks] == [0, 1]
    assert [[need.name for need in block.needs] for block in plan.blocks] == [
        [],
        ["schedule", "checkpoints/000000001"],
    ]
