from typing import Any

import pytest

from holonomy.flag_words import flag_lines
from holonomy.flags import FlagReport, flag_outputs
from schemas.data import CONTROL_LABELS


def row(label: str, normalised: float | None, **changed: Any) -> dict[str, Any]:
    values = {
        "step": 40,
        "label": label,
        "logit_rms": 0.0 if normalised is None else normalised / 10,
        "normalised_rms": normalised,
        "flagged": False,
        "train_rate": 0.25,
        "rival": None,
        "rival_lift": None,
        "rival_expected": None,
        "companion": None,
        "companion_lift": None,
    }
    return values | changed


def flagged(label: str, normalised: float, rival: str | None = None, **changed: Any) -> dict[str, Any]:
    exclusive = {} if rival is None else {"rival": rival, "rival_lift": 0.0, "rival_expected": 1234.4}
    return row(label, normalised, flagged=True, **exclusive) | changed


def controls(exclusive: float, independent: float, identical: float, rate: float = 0.25) -> list[dict[str, Any]]:
    levels = {"exclusive": exclusive, "independent": independent, "identical": identical}
    return [row(label, levels[label.split("_")[1]], train_rate=rate) for label in CONTROL_LABELS]


PLAIN = [row(f"plain {k}", 2.0) for k in range(7)]
HAIR = [flagged("Black", 8.4, "Brown"), flagged("Brown", 7.8, "Black")]
GOOD = controls(exclusive=6.0, independent=2.2, identical=2.4)
SOFTMAX = [row(f"plain {k}", 100.0) for k in range(7)] + [row("Black", 110.0), row("Brown", 100.0)]

STAYS = [*SOFTMAX[:7], row("Black", 400.0), row("Brown", 400.0)]


def text(report: FlagReport) -> str:
    return "\n".join(flag_lines(report))


def test_two_exclusive_labels_are_one_finding_in_multiples_of_the_median() -> None:
    report = flag_outputs(PLAIN + HAIR)
    (found,) = report.findings
    assert [move.label for move in found.movements] == ["Black", "Brown"]
    assert [move.multiple for move in found.movements] == [pytest.approx(4.2), pytest.approx(3.9)]
    assert (found.cause, found.verdict, found.matched, found.lift) == ("exclusive", "open", None, 0.0)
    assert (report.step, report.outputs, report.median) == (40, 9, 2.0)


def test_the_words_of_an_open_finding() -> None:
    assert text(flag_outputs(PLAIN + HAIR)).splitlines() == [
        "Step 40: 1 finding among 9 outputs.",
        "The median output's logit moves 2 per unit of p(1 − p), to be scaled by lr² for a swap.",
        "1. `Black` and `Brown` never occur together (0 train examples, 1,234 by chance) but are modelled "
        "as independent.",
        "   Under swaps their logits move 4.2 times and 3.9 times as far as the median output, per unit of p(1 − p).",
        "   Do: compare with a softmax over both (loss `grouped_cross_entropy`), and make `controls` of this pair in "
        "the data.",
        "Missing controls: exclusive, identical and independent. Without them the cause of a finding stays open.",
        "Missing control: a job with a softmax head, under which the effect of exclusion should vanish.",
    ]


def test_under_one_softmax_nothing_is_said_of_independence() -> None:
    rows = PLAIN + HAIR
    report = flag_outputs(rows, groups=[{row["label"] for row in rows}])
    assert not report.independent
    words = text(report)
    assert "1. `Black` stands out.\n" in words
    assert "One softmax is over all outputs" in words
    assert "Missing" not in words
    assert "no label" not in words


def test_all_four_controls_support_exclusion() -> None:
    report = flag_outputs(PLAIN + HAIR + GOOD, SOFTMAX)
    assert report.findings[0].verdict == "supported"
    assert dict(report.controls) == pytest.approx({"exclusive": 3.0, "identical": 1.2, "independent": 1.1})
    assert report.outputs == 9
    words = text(report)
    assert "Independent control labels of the same rates move 1.1 times: the rates alone do not explain it." in words
    assert "With a softmax head they move 1.1 times and 1.0 times: gone, as exclusion predicts." in words
    assert "Do: model them with a softmax over both" in words
    assert "Missing" not in words


@pytest.mark.parametrize(
    ("made", "softmax", "verdict", "words"),
    [
        (controls(9.0, 9.0, 2.0), None, "refuted", "move 4.5 times: the rates alone explain it."),
        (controls(2.0, 2.2, 1.0), None, "open", "Exclusive controls move no further than independent ones"),
        (controls(6.0, 2.2, 2.4, rate=0.01), None, "open", "have the rates 0.010 and 0.010, not 0.250 and 0.250"),
        (GOOD[2:], None, "open", "Missing controls: exclusive."),
        (
            GOOD,
            [*SOFTMAX[:7], row("Black", 400.0), row("Brown", 400.0)],
            "refuted",
            "still there, so modelling them as independent",
        ),
    ],
    ids=["rates", "nothing", "others", "lacking", "softmax"],
)
def test_controls_that_do_not_support_it(made, softmax, verdict: str, words: str) -> None:
    report = flag_outputs(PLAIN + HAIR + made, softmax)
    assert report.findings[0].verdict == verdict
    assert words in text(report)


def test_refuted_findings_come_last_and_ask_for_nothing() -> None:
    rare = [flagged("Rare", 20.0, "Odd", train_rate=0.01), row("Odd", 2.0, train_rate=0.01)]
    made = controls(6.0, 2.2, 2.4)
    report = flag_outputs(PLAIN + HAIR + rare + made)
    assert [one.first.label for one in report.findings] == ["Black", "Rare"]
    refuted = flag_outputs(PLAIN + HAIR + controls(9.0, 9.0, 2.0))
    assert "Do: nothing to the head of the model on this ground." in text(refuted)


def test_a_softmax_over_other_labels_says_nothing() -> None:
    report = flag_outputs(PLAIN + HAIR + GOOD, STAYS, softmax_groups=[{"Black", "plain 0"}])
    assert report.findings[0].verdict == "supported"
    assert "With a softmax head" not in text(report)
    both = flag_outputs(PLAIN + HAIR + GOOD, STAYS, softmax_groups=[{"Black", "Brown", "plain 0"}])
    assert both.findings[0].verdict == "refuted"


def test_labels_of_one_softmax_are_no_rivals() -> None:
    report = flag_outputs(PLAIN + HAIR, groups=[{"Black", "Brown"}])
    assert [one.cause for one in report.findings] == ["unknown", "unknown"]
    assert "modelled as independent" not in text(report)


def test_only_what_is_flagged_is_a_finding() -> None:
    near = row("near", 3.9, rival="plain 0", rival_lift=0.0, rival_expected=9e9)
    assert flag_outputs([*PLAIN, near]).findings == ()


def test_labels_that_miss_each_other_by_chance_are_not_exclusive() -> None:
    rare = flagged("Rare", 9.0, "plain 0", rival_expected=12.0)  # none of 12 is 3.5 standard deviations
    assert [one.cause for one in flag_outputs([*PLAIN, rare]).findings] == ["unknown"]


def test_exclusive_labels_come_before_others_and_a_report_has_an_end() -> None:
    many = [flagged(f"odd {k}", 50.0) for k in range(12)]
    report = flag_outputs(PLAIN + PLAIN + many + HAIR)
    assert report.findings[0].cause == "exclusive"
    assert (len(report.findings), report.left_out) == (10, 3)
    assert "3 more outputs move at least twice as far as the median." in text(report)


def test_what_identical_controls_copy_is_said() -> None:
    made = [*GOOD[:4], *(one | {"companion": "Black", "companion_lift": 4.0} for one in GOOD[4:])]
    report = flag_outputs(PLAIN + HAIR + made)
    assert report.copied.label == "Black"
    assert "Identical controls copy `Black`, which itself moves 4.2 times." in text(report)


def test_labels_that_come_together() -> None:
    twins = [
        flagged("Lipstick", 8.0, companion="Makeup", companion_lift=3.8),
        row("Makeup", 2.0, companion="Lipstick", companion_lift=3.8),
    ]
    (found,) = flag_outputs(PLAIN + twins).findings
    assert (found.cause, found.lift) == ("together", 3.8)
    assert "`Lipstick` and `Makeup` come together, 3.8 times as often as by chance." in text(
        flag_outputs(PLAIN + twins)
    )


def test_an_output_without_company() -> None:
    words = text(flag_outputs([*PLAIN, flagged("Odd", 8.0)]))
    assert "`Odd` stands out, and no label of the train split excludes it or comes with it." in words
    assert "its logit moves 4.0 times" in words


@pytest.mark.parametrize(("lift", "often"), [(0.01, "hardly ever"), (0.2, "seldom")])
def test_labels_that_meet_now_and_then(lift: float, often: str) -> None:
    words = text(flag_outputs([*PLAIN, flagged("Black", 8.0, "Brown", rival_lift=lift), row("Brown", None)]))
    assert f"{often} occur together ({round(lift * 1234.4)} train examples, 1,234 by chance)" in words
    assert "8.0" not in words
    assert "4.0 times and an unknown number of times" in words


def test_far_logits_with_much_slack_are_not_flagged_but_named() -> None:
    report = flag_outputs([*PLAIN, *HAIR, row("Young", 2.1, logit_rms=5.0)])
    assert report.undecided == ("Young",)
    assert "Not listed: `Young`. Raw logits move far there, but only because p(1 − p) is large." in text(report)


def test_controls_are_never_findings() -> None:
    made = [one | {"flagged": True} for one in controls(90.0, 2.2, 2.4)]
    assert flag_outputs(PLAIN + made).findings == ()


def test_rows_that_make_no_report() -> None:
    with pytest.raises(ValueError, match=r"is of one checkpoint, the rows are of 2: \[40, 50\]"):
        flag_outputs([*PLAIN, row("late", 1.0, step=50)])
    with pytest.raises(ValueError, match="the rows are of 0"):
        flag_outputs([])
    with pytest.raises(ValueError, match="needs a median output that moves, at step 40 it does not"):
        flag_outputs([row("still", 0.0), row("none", None)])
