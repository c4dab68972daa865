"""A job at a glance, beside what a look at everything gives."""

import numpy as np
import pytest

from schemas.bracket_results import DEFECTS, PAIRS
from schemas.diagnostic import Diagnostic
from service.db.copy import copy_rows, encode
from service.errors import Missing
from service.queue.overview import SHOWN_PAIRS, overview
from tests.support.result_rows import filled


def test_an_overview_agrees_with_all_rows(desk):
    job = desk.start(Diagnostic(blocks=3))
    first, second, _ = desk.claim()
    one = {"provenance": {"code": "a", "device": "d", "torch": "2"}, "seconds": 2.0, "kernel_seconds": 1.5}
    desk.commit(desk.done(first, "x", "y", **one), desk.done(second, "z", **one | {"seconds": 3.0}))
    norms = np.random.default_rng(0).lognormal(size=60)
    rows = {"step": np.repeat([0, 5, 9], 20), "i": np.tile(np.arange(20), 3), "bracket_norm": norms}
    with desk.engine.begin() as connection:
        copy_rows(connection, PAIRS, [encode(PAIRS, job, filled(PAIRS, rows | {"j": rows["i"] + 20}))])
        other = filled(PAIRS, {"step": [7], "bracket_norm": [99.0]})
        copy_rows(connection, PAIRS, [encode(PAIRS, job + 1, other)])
        copy_rows(connection, DEFECTS, [encode(DEFECTS, job, filled(DEFECTS, {"step": [0], "median": [np.nan]}))])
    with desk.engine.connect() as connection:
        found = overview(connection, job)
    [work] = found.work
    assert (work.kind, work.blocks, work.seconds, work.kernel_seconds) == ("diagnostic_block", 2, 5.0, 3.0)
    assert [(one.code, one.device, one.torch, one.blocks) for one in found.computed] == [("a", "d", "2", 2)]
    assert (found.objects, found.object_bytes) == (3, 3)
    best = [sorted(norms[k : k + 20], reverse=True)[:SHOWN_PAIRS] for k in (0, 20, 40)]
    assert [pair.step for pair in found.largest] == [0] * 3 + [5] * 3 + [9] * 3
    assert [pair.bracket_norm for pair in found.largest] == [norm for step in best for norm in step]
    assert found.summaries["defects"][0]["median"] is None
    assert set(found.summaries) == {"defects"}


def test_a_job_that_found_nothing_has_an_empty_overview(desk):
    job = desk.submit(Diagnostic())
    with desk.engine.connect() as connection:
        found = overview(connection, job)
    assert (found.work, found.computed, found.objects, found.summaries, found.largest) == ((), (), 0, {}, ())


def test_an_unknown_job_is_missing(desk):
    with desk.engine.connect() as connection, pytest.raises(Missing, match="there is no job 7"):
        overview(connection, 7)
