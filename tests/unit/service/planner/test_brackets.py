from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.blocks import BracketSummary, BracketTile, JobId
from schemas.brackets import Brackets
from schemas.data import First
from schemas.models import Mlp
from schemas.training import Training
from service.planner.brackets import parts, plan_brackets, spans
from service.planner.costs import Cost, Costs, on, pair_key, units
from service.planner.limits import MAX_BLOCKS
from service.planner.memory import MAX_TILE_BYTES, stored_bytes
from service.planner.plan import Cluster, plan
from service.planner.size import data_size, model_size


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
        (1, 2, "sums/000000000/", True),
        (1, 2, "sums/000000005/", True),
    ]


@pytest.mark.parametrize(("examples", "count"), [(7, 3), (4, 2), (100, 9)])
def test_spans_are_even(examples, count):
    lengths = [stop - start for start, stop in spans(examples, count)]
    assert sum(lengths) == examples
    assert max(lengths) - min(lengths) <= 1


WIDE = Training(steps=5, model=Mlp(hidden=(1000,)))
P = 64 * 1000 + 1000 + 1000 * 10 + 10


@pytest.mark.parametrize(
    ("changes", "pair_bytes"),
    [
        ({}, 0),
        ({"test_examples": First(count=300)}, 300 * 10 * 4),
        ({"test_examples": First(count=300), "dtype": "float64"}, 300 * 10 * 8),
        ({"keep": "all"}, P * 4),
        ({"keep": "all", "test_examples": First(count=3)}, P * 4 + 3 * 10 * 4),
        ({"keep": [(0, 1), (0, 2)]}, 0),
        ({"keep": list(combinations(range(50), 2))}, P * 4),
    ],
    ids=["nothing", "logits", "doubles", "brackets", "both", "few", "many"],
)
def test_the_object_of_a_tile_stays_within_what_a_worker_holds(changes, pair_bytes):
    spec = Brackets(training=WIDE, examples=First(count=600), **changes)
    data = data_size(WIDE.data, None)
    assert stored_bytes(spec, model_size(WIDE, data), data) == pair_bytes
    costs = Costs({on(pair_key(spec), "cpu"): 1e-6})
    made = plan(spec, job_id=JobId(2), parent_id=JobId(1), data=data, costs=costs, cluster=Cluster())
    tiles = [block.payload for block in made.blocks if isinstance(block.payload, BracketTile)]
    largest = max((tile.rows[1] - tile.rows[0]) * (tile.columns[1] - tile.columns[0]) for tile in tiles)
    assert largest * pair_bytes <= MAX_TILE_BYTES
    if pair_bytes > 100_000:
        assert largest * pair_bytes > MAX_TILE_BYTES / 3
