from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.blocks import BracketSummary, BracketTile, JobId
from schemas.brackets import Brackets
from schemas.data import First
from schemas.training import Training
from service.planner.brackets import parts, plan_brackets, spans
from service.planner.costs import Cost, units
from service.planner.limits import MAX_BLOCKS


def planned(examples, seconds_per_pair, workers=1, steps=(0, 5)):
    spec = Brackets(training=Training(steps=5, checkpoints=steps), examples=First(count=examples))
    return plan_brackets(spec, JobId(2), JobId(1), Cost(seconds_per_pair, measured=True), workers, micro=4)


@given(st.integers(2, 60), st.floats(1e-5, 10.0), st.integers(1, 64))
def test_tiles_cover_every_pair_once(examples, seconds_per_pair, workers):
    plan = planned(examples, seconds_per_pair, workers)
    for step in (0, 5):
        tiles = [block.payload for block in plan.blocks if isinstance(block.payload, BracketTile)]
        pairs = [
            (a, b)
            for tile in tiles
            if tile.step == step
            for a in range(*tile.rows)
            for b in range(*tile.columns)
            if a < b
        ]
        assert sorted(pairs) == list(combinations(range(examples), 2))
    assert all(units(block.payload) for block in plan.blocks if block.phase == 0)


def test_tiles_take_about_five_seconds():
    plan = planned(400, 0.01)
    seconds = [0.01 * units(block.payload) for block in plan.blocks if block.phase == 0]
    assert 3 < max(seconds) <= 6


def test_workers_do_not_starve():
    assert len([block for block in planned(40, 0.01, workers=1).blocks if block.phase == 0]) == 2 * 6
    assert len([block for block in planned(40, 0.01, workers=30).blocks if block.phase == 0]) >= 30


def test_a_pair_that_takes_minutes_is_a_block_of_its_own():
    assert parts(10, 1, Cost(500.0, measured=True), workers=1) == 5


def test_the_count_of_blocks_stays_within_the_limit():
    count = parts(20_000, 10, Cost(100.0, measured=True), workers=1)
    assert 10 * (count * (count + 1) // 2 + 1) <= MAX_BLOCKS


def test_needs():
    plan = planned(4, 0.01)
    tiles = [block for block in plan.blocks if isinstance(block.payload, BracketTile)]
    summaries = [block for block in plan.blocks if isinstance(block.payload, BracketSummary)]
    assert [(need.job_id, need.name, need.prefix) for block in tiles for need in block.needs] == [
        (1, "checkpoints/000000000", False),
        (1, "checkpoints/000000005", False),
    ]
    assert [(block.phase, need.job_id, need.name, need.prefix) for block in summaries for need in block.needs] == [
        (1, 2, "tiles/000000000/", True),
        (1, 2, "tiles/000000005/", True),
    ]


@pytest.mark.parametrize(("examples", "count"), [(7, 3), (4, 2), (100, 9)])
def test_spans_are_even(examples, count):
    lengths = [stop - start for start, stop in spans(examples, count)]
    assert sum(lengths) == examples
    assert max(lengths) - min(lengths) <= 1
