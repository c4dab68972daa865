"""Metrics: what their texts mean, and what is no metric."""

import pytest

from holonomy import Refused
from holonomy.compare.metrics import DEFAULTS, END_LOSS, MEDIAN_DEFECT, Metric, metrics_for


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("defects.median", MEDIAN_DEFECT),
        ("checkpoints.test_loss@last", END_LOSS),
        (" median( pairs.bracket_norm ) @ 300 ", Metric("pairs", "bracket_norm", "median", 300)),
        (
            "mean(projections.value[target == test_loss, i < 3])@0",
            Metric("projections", "value", "mean", 0, ("target == test_loss", "i < 3")),
        ),
        ("reorderings.agrees", Metric("reorderings", "agrees")),
        ("max(pairs.norm)", Metric("pairs", "bracket_norm", "max")),
    ],
)
def test_a_text_says_table_column_rows_reduction_and_step(text: str, metric: Metric) -> None:
    assert Metric.parse(text) == metric
    assert Metric.parse(str(metric)) == metric


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("median", "a metric reads TABLE.COLUMN or .*; came 'median'"),
        ("median(pairs.defect", r"a metric reads TABLE.COLUMN or .*; came 'median\(pairs.defect'"),
        ("pairs.defect)", "a metric reads TABLE.COLUMN"),
        ("defect.median", "unknown table 'defect': .*did you mean 'defects'"),
        ("pairs.defects", "unknown number in table pairs 'defects': .*did you mean 'defect'"),
        ("pairs.object", "unknown number in table pairs 'object'"),
        ("pairs.i", "unknown number in table pairs 'i'"),
        ("average(pairs.defect)", "unknown reduction 'average': expected one of mean, rms"),
        ("pairs.defect@lst", "after @ stands the number of a step, or last; came 'lst'; did you mean 'last'"),
        ("replicas.distance@3", "table replicas has no steps: leave out @3"),
    ],
)
def test_what_is_no_metric(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        Metric.parse(text)


def test_a_reduction_given_as_a_word_is_checked_too() -> None:
    with pytest.raises(Refused, match="unknown reduction 'sum'"):
        Metric("pairs", "defect", "sum")


def test_each_kind_of_job_has_its_usual_metrics() -> None:
    for kind, usual in DEFAULTS.items():
        assert metrics_for(kind, None) == usual
    assert metrics_for("brackets", "checkpoints.test_loss@last") == (END_LOSS,)
    assert metrics_for("brackets", ("defects.median", END_LOSS)) == (MEDIAN_DEFECT, END_LOSS)


def test_a_kind_has_its_own_tables() -> None:
    with pytest.raises(Refused, match="a diagnostic job has no results to compare"):
        metrics_for("diagnostic", None)
    with pytest.raises(Refused, match="replicas jobs have no table pairs; they have: replica_alignments"):
        metrics_for("replicas", "pairs.defect")
    with pytest.raises(Refused, match=r"metric defects\.median is asked for twice"):
        metrics_for("brackets", ("defects.median", MEDIAN_DEFECT))
