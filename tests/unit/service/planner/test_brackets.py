from itertools import combinations, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.blocks import (
    BracketMinibatches,
    BracketPerturbations,
    BracketProjections,
    BracketReorderings,
    BracketSummary,
    BracketTile,
    JobId,
)
from schemas.brackets import Brackets, TopPairs
from schemas.data import First
from schemas.models import Mlp
from schemas.reorderings import Reorderings, Shuffles
from schemas.targets import SavedDirection, TestLoss
from schemas.training import Training
from service.planner.brackets import MAX_PROJECTED_ROWS, Bounds, plan_brackets, projection_spans
from service.planner.ceilings import MAX_BLOCKS
from service.planner.costs import Cost, Costs, bracket_keys, on, units
from service.planner.cut import spans, tile_spans
from service.planner.memory import MAX_TILE_BYTES, stored_bytes
from service.planner.plan import Cluster, plan
from service.planner.size import data_size, model_size

KINDS = ("bracket_tile", "bracket_minibatches", "bracket_reorderings", "bracket_perturbations")
BOUNDS = Bounds("generic", micro=4, projected_rows=7)


def planned(examples, seconds_per_unit, workers=1, steps=(0, 5), **changes):
    spec = Brackets(training=Training(steps=5, checkpoints=steps), examples=First(count=examples), **changes)
    costs = dict.fromkeys(KINDS, Cost(seconds_per_unit, measured=True))
    return plan_brackets(spec, JobId(2), JobId(1), costs, BOUNDS, workers)


def payloads(plan, kind, step):
    return [block.payload for block in plan.blocks if isinstance(block.payload, kind) and block.payload.step == step]


@given(st.integers(2, 60), st.floats(1e-5, 10.0), st.integers(1, 64))
def test_tiles_cover_every_pair_once(examples, seconds_per_pair, workers):
    plan = planned(examples, seconds_per_pair, workers)
    for step in (0, 5):
        pairs = [
            (a, b)
            for tile in payloads(plan, BracketTile, step)
            for a in range(*tile.rows)
            for b in range(*tile.columns)
            if a < b
        ]
        assert sorted(pairs) == list(combinations(range(examples), 2))
    assert all(units(block.payload) for block in plan.blocks if block.phase == 0)


@given(st.integers(2, 40), st.integers(2, 9), st.integers(1, 50), st.floats(1e-3, 10.0), st.integers(1, 9))
def test_every_other_reduction_is_planned_once(examples, batches, orders, seconds, workers):
    plan = planned(
        examples,
        seconds,
        workers,
        norms=False,
        test_examples=First(count=1),
        projections=[TestLoss()],
        minibatches=[(index,) for index in range(batches)],
        reorderings=Reorderings(orders=Shuffles(count=orders)),
    )
    for step in (0, 5):
        rows = [row for block in payloads(plan, BracketProjections, step) for row in range(*block.rows)]
        assert rows == list(range(examples - 1))
        for kind, count in ((BracketMinibatches, batches * (batches - 1) // 2), (BracketReorderings, orders)):
            listed = [item for block in payloads(plan, kind, step) for item in range(block.start, block.stop)]
            assert listed == list(range(count))
    assert {block.payload.kind for block in plan.blocks if block.phase == 1} == {"bracket_summary"}


@given(st.integers(2, 40), st.integers(1, 1_000), st.floats(1e-3, 10.0), st.integers(1, 9))
def test_selected_pairs_are_perturbed_once_and_after_they_were_selected(examples, count, seconds, workers):
    plan = planned(examples, seconds, workers, test_examples=First(count=1), logits=TopPairs(count=count))
    for step in (0, 5):
        blocks = payloads(plan, BracketPerturbations, step)
        listed = [item for block in blocks for item in range(block.start, block.stop)]
        assert listed == list(range(min(count, examples * (examples - 1) // 2)))
    phases = {block.payload.kind: block.phase for block in plan.blocks}
    order = ("bracket_tile", "bracket_summary", "bracket_perturbations", "bracket_outputs")
    assert phases == {kind: phase for phase, kind in enumerate(order)}


def test_phases_have_no_gaps():
    assert [block.phase for block in planned(4, 0.01, steps=(5,), test_examples=First(count=1)).blocks] == [0, 1, 2]
    alone = planned(4, 0.01, norms=False, minibatches=[(0,), (1,)])
    assert {block.phase for block in alone.blocks} == {0}


def test_blocks_stand_checkpoint_by_checkpoint_then_row_by_row():
    first = [block.payload for block in planned(40, 0.01).blocks if block.phase == 0]
    assert [(tile.step, tile.rows, tile.columns) for tile in first] == sorted(
        (tile.step, tile.rows, tile.columns) for tile in first
    )


def test_tiles_take_about_five_seconds():
    plan = planned(400, 0.01)
    seconds = [0.01 * units(block.payload) for block in plan.blocks if block.phase == 0]
    assert 3 < max(seconds) <= 6


def test_workers_do_not_starve():
    assert len([block for block in planned(40, 0.01, workers=1).blocks if block.phase == 0]) == 2 * 6
    assert len([block for block in planned(40, 0.01, workers=30).blocks if block.phase == 0]) >= 30


def test_a_pair_that_takes_minutes_is_a_block_of_its_own():
    assert len(tile_spans(10, 1, Cost(500.0, measured=True), workers=1)) == 5


def test_the_count_of_blocks_stays_within_the_limit():
    count = len(tile_spans(20_000, 10, Cost(100.0, measured=True), workers=1))
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


def test_a_saved_direction_is_needed_where_it_is_projected_on():
    saved = SavedDirection(job_id=9, object="tiles/a")
    plan = planned(4, 0.01, steps=(5,), projections=[saved])
    needs = {block.payload.kind: [need.name for need in block.needs] for block in plan.blocks}
    assert needs["bracket_projections"] == ["checkpoints/000000005", "tiles/a"]
    assert needs["bracket_tile"] == ["checkpoints/000000005"]


@given(st.integers(2, 300) | st.just(1_200), st.integers(1, 100), st.integers(20, 300))
def test_every_pair_is_projected_on_every_target_once(examples, targets, held):
    """Counted by rows and targets: blocks are products of spans of both, which cover each once."""
    cuts = projection_spans(examples, targets, Bounds("generic", micro=4, projected_rows=held))
    rows, columns = (sorted(set(part)) for part in zip(*cuts, strict=True))
    assert list(product(rows, columns)) == cuts
    for cut, length in ((rows, examples - 1), (columns, targets)):
        assert [cut[0][0], cut[-1][1]] == [0, length]
        assert all(left[1] == right[0] for left, right in pairwise(cut))
    for first, last in cuts[0], cuts[-1]:
        pairs = sum(examples - 1 - row for row in range(*first))
        assert pairs * (last[1] - last[0]) <= max(MAX_PROJECTED_ROWS, examples)
        assert first[1] - first[0] <= held


def test_many_targets_take_little_more_than_a_product_per_example_each():
    examples, targets = 512, 1_000
    cuts = projection_spans(examples, targets, Bounds("structured", micro=4, projected_rows=examples))
    products = sum((examples - rows[0]) * (which[1] - which[0]) for rows, which in cuts)
    assert products == examples * targets


@pytest.mark.parametrize(("examples", "count"), [(7, 3), (4, 2), (100, 9)])
def test_spans_are_even(examples, count):
    lengths = [stop - start for start, stop in spans(examples, count)]
    assert sum(lengths) == examples
    assert max(lengths) - min(lengths) <= 1


WIDE = Training(steps=5, model=Mlp(hidden=(1000,)))
P = 64 * 1000 + 1000 + 1000 * 10 + 10
RMS = 4 * 8


@pytest.mark.parametrize(
    ("changes", "pair_bytes"),
    [
        ({}, RMS),
        ({"test_examples": First(count=300), "logits": "all"}, RMS + 300 * 10 * 4),
        ({"test_examples": First(count=300), "logits": "all", "dtype": "float64"}, RMS + 300 * 10 * 8),
        ({"test_examples": First(count=300)}, RMS),
        ({"test_examples": First(count=300), "logits": [(0, 1)]}, RMS),
        ({"keep": "all"}, RMS + P * 4),
        ({"keep": "all", "test_examples": First(count=3), "logits": "all"}, RMS + P * 4 + 3 * 10 * 4),
        ({"keep": [(0, 1), (0, 2)]}, RMS),
        ({"keep": list(combinations(range(50), 2))}, RMS + P * 4),
    ],
    ids=["nothing", "logits", "doubles", "the-largest", "listed", "brackets", "both", "few", "many"],
)
def test_the_object_of_a_tile_stays_within_what_a_worker_holds(changes, pair_bytes):
    spec = Brackets(training=WIDE, examples=First(count=600), **changes)
    data = data_size(WIDE.data, None)
    assert stored_bytes(spec, model_size(WIDE, data), data) == pair_bytes
    costs = Costs({on(bracket_keys(spec)["bracket_tile"], "cpu"): 1e-6})
    made = plan(spec, job_id=JobId(2), parent_id=JobId(1), data=data, costs=costs, cluster=Cluster())
    tiles = [block.payload for block in made.blocks if isinstance(block.payload, BracketTile)]
    largest = max((tile.rows[1] - tile.rows[0]) * (tile.columns[1] - tile.columns[0]) for tile in tiles)
    assert largest * pair_bytes <= MAX_TILE_BYTES
    if pair_bytes > 100_000:
        assert largest * pair_bytes > MAX_TILE_BYTES / 3


def test_logit_perturbations_fit_what_a_worker_can_hold():
    spec = Brackets(
        training=Training(steps=0),
        examples=First(count=300),
        test_examples=First(count=360),
        logits=TopPairs(count=40_000),
    )
    size = data_size(spec.training.data, None)
    fast = Costs({on(key, "cpu"): 1e-6 for key in bracket_keys(spec).values()})
    made = plan(spec, job_id=JobId(2), parent_id=JobId(1), data=size, costs=fast, cluster=Cluster())
    found = payloads(made, BracketPerturbations, 0)
    assert sum(block.stop - block.start for block in found) == 40_000
    assert len(found) > 1
    assert all((block.stop - block.start) * 360 * 10 * 4 <= MAX_TILE_BYTES for block in found)


@pytest.mark.parametrize(
    ("workers", "seconds", "count"),
    [
        # Nine halves for two workers: one waits a tenth of the time, so four spans.
        (2, 10.0, 4),
        (1, 10.0, 2),
        # Shorter tiles than a second are not worth it.
        (2, 7.0, 3),
        (3, 10.0, 3),
    ],
)
def test_tiles_are_dealt_out_evenly(workers, seconds, count):
    cost = Cost(seconds / 1_024**2, measured=True)
    assert len(tile_spans(1_024, 1, cost, workers)) == count
