"""Sections of reports for what is computed beside norms."""

import polars
import pytest

from holonomy import Brackets, BracketsJob, Client, Reorderings, Shuffles, TestLogit, TestLoss, Training
from holonomy.report_reductions import (
    defects_table,
    method_section,
    method_table,
    minibatches_table,
    projections_table,
    reduction_sections,
    reorderings_table,
)
from tests.support.bracket_tables import DEFECTS, MINIBATCHES, ORDER_ACCURACY, PROJECTIONS, VERIFICATIONS
from tests.support.fake_service import World
from tests.support.rendered import rendered

TILES = [
    {"step": 9, "path": "tap", "pairs": 600, "recomputed": 2},
    {"step": 9, "path": "tap", "pairs": 900, "recomputed": 1},
    {"step": 0, "path": "generic", "pairs": 6, "recomputed": 0},
    {"step": 0, "path": "generic", "pairs": 3},  # logit perturbations recompute nothing
]
SPEC = Brackets(
    training=Training(steps=9, checkpoints=(0, 9)),
    examples=range(3),
    test_examples=range(4),
    norms=False,
    projections=(TestLoss(), TestLogit(example=0, output=1)),
    minibatches=[(0,), (1,)],
    reorderings=Reorderings(orders=Shuffles(count=200)),
)


@pytest.fixture
def job(client: Client) -> BracketsJob:
    found = client.submit(SPEC)
    assert isinstance(found, BracketsJob)
    return found


def test_the_path_and_the_largest_errors_are_told_of_each_checkpoint() -> None:
    rows = [line.split() for line in rendered(method_table(TILES, VERIFICATIONS)).splitlines()[1:]]
    assert rows == [
        ["0", "generic", "6", "0", "0", "—", "—", "—"],
        ["9", "tap", "1,500", "3", "2", "3.0e-07", "2.0e-06", "—"],
    ]


def test_a_job_that_was_not_verified_shows_no_errors() -> None:
    assert rendered(method_table(TILES, None)).splitlines()[-1].split()[-4:] == ["0", "—", "—", "—"]


def test_the_path_is_what_the_blocks_of_the_job_report(job: BracketsJob, world: World) -> None:
    block = {"phase": 0, "kind": "bracket_tile", "state": "done", "attempts": 0, "runs": 1}
    absent = dict.fromkeys(("reason", "leased_by", "seconds", "error"))
    world.blocks = [{"id": k, "seq": k, **block, **absent, "data": data} for k, data in enumerate([*TILES, {}])]
    world.tables["verifications"] = VERIFICATIONS.with_columns(i=0, j=1)
    spec = Brackets(training=Training(steps=9), examples=range(3), verify=2)
    shown = "".join(map(rendered, method_section(job, spec)))
    assert "3.0e-07" in shown
    assert "generic" in shown


def test_defects_are_set_beside_their_null() -> None:
    rows = [line.split() for line in rendered(defects_table(DEFECTS)).splitlines()[1:]]
    assert rows[0] == ["0", "10", "6.000", "2.000", "9.000", "8", "0.5000", "12.0"]
    assert rows[1] == ["9", "0", "—", "—", "—", "0", "—", "—"]


def test_the_largest_brackets_of_minibatches_come_first() -> None:
    rows = [line.split()[1:3] for line in rendered(minibatches_table(MINIBATCHES)).splitlines()[1:]]
    assert rows == [["0", "2"], ["1", "2"], ["2", "3"]]


def test_both_ends_of_a_projection_are_shown_with_their_signs() -> None:
    table = rendered(projections_table(PROJECTIONS.to_dicts()))
    assert "+2.000e+00" in table
    assert "-5.000e-01" in table


def test_order_accuracy_without_a_test_loss_is_a_dash() -> None:
    rows = [line.split() for line in rendered(reorderings_table(ORDER_ACCURACY)).splitlines()[1:]]
    assert rows == [["0", "200", "190", "0.950", "+0.990", "2.0e-03"], ["9", "1", "0", "—", "—", "5.0e-01"]]


def test_what_the_spec_asks_for_is_reported_in_80_columns(job: BracketsJob, world: World) -> None:
    tables = {"projections": PROJECTIONS, "minibatches": MINIBATCHES, "order_accuracy": ORDER_ACCURACY}
    world.tables.update(tables)
    shown = "".join(map(rendered, reduction_sections(job, SPEC)))
    for title in ("Pairs that move a target most", "minibatches", "reorderings at lr 0.001"):
        assert title in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80


def test_what_has_no_rows_yet_is_left_out(job: BracketsJob, world: World) -> None:
    tables = {"projections": PROJECTIONS, "minibatches": MINIBATCHES, "order_accuracy": ORDER_ACCURACY}
    world.tables.update({name: table.clear() for name, table in tables.items()})
    assert list(reduction_sections(job, SPEC)) == []
    plain = Brackets(training=Training(steps=9), examples=range(3))
    world.tables = dict[str, polars.DataFrame]()
    assert list(reduction_sections(job, plain)) == []
