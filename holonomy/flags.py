"""Which outputs swaps of training examples move most, and what that may mean: from the `outputs` table.

A logit that moves far proves nothing by itself: its probability may merely be undecided. So movement is taken per
unit of p(1 − p), as a multiple of the job's median output, and held against labels made up as controls, where the
data has them (`schemas.data.LabelControls`), and against a second job with a softmax head, where one is given:

- if independent labels with the same rates move as far, the rates explain the movement;
- if exclusive controls move no further than independent ones, this job does not show exclusion at all;
- identical controls are copies of a label and should move as it does: being predicted more than once moves nothing;
- if the movement stays under a softmax, modelling the labels as independent is not its cause.

Multiples of a job's own median compare jobs whose losses have different scales; raw numbers would not.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

from schemas.data import CONTROL_LABELS

NOTABLE = 2.0
"""Multiple of the median raw movement from which on an output that is not flagged is named."""
MOST = 10
"""Findings in a report."""
SELDOM = 0.25
"""Lift up to which two labels count as excluding each other."""
SIGNIFICANT = 4.0
"""Standard deviations, of a Poisson count, by which such labels meet less often than by chance."""
ALWAYS = 0.9
"""Share of one label's examples that carry the other, from which on the one counts as coming with the other."""
VANISHED = 0.5
"""Share of a multiple that a softmax may leave for the movement to count as gone."""
MATCHED = 1.25
"""Factor within which the rates of controls and of labels count as the same."""

Row = Mapping[str, Any]
ControlKind = Literal["exclusive", "independent", "identical"]
Cause = Literal["exclusive", "together", "unknown"]
Verdict = Literal["supported", "open", "refuted"]
CONTROL_KINDS: tuple[ControlKind, ...] = ("exclusive", "identical", "independent")
_VERDICTS: tuple[Verdict, ...] = ("supported", "open", "refuted")


@dataclass(frozen=True)
class Movement:
    """How far one output moves.

    Attributes:
        label: Its label.
        multiple: Times as far as the median output of its job, per unit of p(1 − p); None where p(1 − p) is 0.
        softmax: The same in the job with a softmax head; None without one, or if it lacks the label.
        rate: Share of the train split that carries the label.
    """

    label: str
    multiple: float | None
    softmax: float | None
    rate: float


@dataclass(frozen=True)
class Finding:
    """An output that moves far, alone or with the label that may be why.

    Attributes:
        first: The output.
        other: The label that `cause` is about.
        cause: What the labels of the train split suggest: `exclusive` labels seldom meet, `together` means that one
            comes with the other, `unknown` neither.
        lift: P(both) / (P(first) P(other)).
        expected: Train examples that would carry both by chance, for `exclusive`.
        compared: Whether the job with a softmax head has one softmax over both.
        matched: Whether the independent controls have the rates of these labels; None without controls.
        verdict: What controls and softmax say of the cause: `refuted` if the rates alone explain the movement or a
            softmax leaves it, `supported` if every control that there is agrees, `open` else.
    """

    first: Movement
    other: Movement | None = None
    cause: Cause = "unknown"
    lift: float | None = None
    expected: float | None = None
    compared: bool = False
    matched: bool | None = None
    verdict: Verdict = "open"

    @property
    def movements(self) -> tuple[Movement, ...]:
        """Of both labels, or of the one."""
        return (self.first,) if self.other is None else (self.first, self.other)

    @property
    def vanishes(self) -> bool | None:
        """Whether a softmax over both takes the movement away; None if that is not known."""
        multiple, left = self.first.multiple, self.first.softmax
        if not self.compared or self.cause != "exclusive" or multiple is None or left is None:
            return None
        return left <= VANISHED * multiple


@dataclass(frozen=True)
class FlagReport:
    """What stands out at one checkpoint.

    Attributes:
        step: Checkpoint.
        outputs: Outputs, controls not counted.
        median: Median over them of normalised_rms: logit per p(1 − p), to be scaled by lr² for a swap.
        controls: Multiples of the control labels, the larger of both of a kind; None where the job has none.
        control_rates: Rates of the independent controls.
        copied: The label that the identical controls copy, if there are any.
        softmax: Whether a job with a softmax head was given.
        independent: Whether any outputs are modelled as independent; not so under one softmax over all.
        findings: Exclusive labels before others, best supported first, then by movement; at most `MOST`.
        left_out: Findings beyond those.
        undecided: Outputs whose raw movement is twice the median or more, but not per unit of p(1 − p).
    """

    step: int
    outputs: int
    median: float
    controls: Mapping[ControlKind, float | None]
    control_rates: tuple[float, ...]
    copied: Movement | None
    softmax: bool
    independent: bool
    findings: tuple[Finding, ...]
    left_out: int
    undecided: tuple[str, ...]


def flag_outputs(
    rows: Sequence[Row],
    softmax: Sequence[Row] | None = None,
    softmax_groups: Sequence[Collection[str]] | None = None,
    groups: Sequence[Collection[str]] = (),
) -> FlagReport:
    """Judge the outputs of one checkpoint.

    Args:
        rows: Rows of the `outputs` table of one job and one step.
        softmax: Such rows of a job with a softmax over the labels in question, matched by label.
        softmax_groups: Labels between which that job has a softmax; None if it has one over all.
        groups: Labels between which the job itself has one: they are no rivals of each other.

    Raises:
        ValueError: the rows are none, of several checkpoints, or none of them moves.
    """
    scale, multiples = _multiples(rows)
    under_softmax = {} if softmax is None else _multiples(softmax)[1]
    own = [row for row in rows if row["label"] not in CONTROL_LABELS]
    moves = {row["label"]: _movement(row, multiples, under_softmax) for row in rows}
    controls = {kind: _of_kind(moves, kind) for kind in CONTROL_KINDS}
    rates = tuple(moves[label].rate for label in CONTROL_LABELS if "independent" in label and label in moves)
    far = [row for row in own if row["flagged"]]
    findings = dict[frozenset[str], Finding]()
    for row in sorted(far, key=lambda row: -row["normalised_rms"]):
        pair = {row["label"], row["rival"]}
        rival = None if _in_one(pair, groups) else moves.get(row["rival"])
        compared = softmax is not None and (softmax_groups is None or _in_one(pair, softmax_groups))
        finding = _judged(replace(_suspected(row, moves, rival), compared=compared), controls, rates)
        findings.setdefault(frozenset(move.label for move in finding.movements), finding)
    ranked = sorted(findings.values(), key=lambda one: (one.cause != "exclusive", _VERDICTS.index(one.verdict)))
    raw = NOTABLE * median([row["logit_rms"] for row in own])
    copy = next((row for row in rows if row["label"] == CONTROL_LABELS[-1]), None)
    return FlagReport(
        step=rows[0]["step"],
        outputs=len(own),
        median=scale,
        controls=controls,
        control_rates=rates,
        copied=None if copy is None else moves.get(copy["companion"]),
        softmax=softmax is not None,
        independent=not _in_one({row["label"] for row in own}, groups),
        findings=tuple(ranked[:MOST]),
        left_out=max(0, len(ranked) - MOST),
        undecided=tuple(row["label"] for row in own if row["logit_rms"] >= raw and row not in far),
    )


def _multiples(rows: Sequence[Row]) -> tuple[float, dict[str, float | None]]:
    """The median of normalised_rms over outputs that are no controls, and every output's multiple of it."""
    steps = sorted({row["step"] for row in rows})
    if len(steps) != 1:
        raise ValueError(f"a report on outputs is of one checkpoint, the rows are of {len(steps)}: {steps[:5]}")
    values = {row["label"]: row["normalised_rms"] for row in rows}
    known = [value for label, value in values.items() if value is not None and label not in CONTROL_LABELS]
    scale = float(median(known)) if known else 0.0
    if scale == 0:
        raise ValueError(f"a report on outputs needs a median output that moves, at step {steps[0]} it does not")
    return scale, {label: None if value is None else value / scale for label, value in values.items()}


def _movement(row: Row, multiples: Mapping[str, float | None], softmax: Mapping[str, float | None]) -> Movement:
    label = row["label"]
    return Movement(label, multiples[label], softmax.get(label), row["train_rate"])


def _of_kind(moves: Mapping[str, Movement], kind: ControlKind) -> float | None:
    known = [moves[label].multiple for label in CONTROL_LABELS if kind in label and label in moves]
    return max((multiple for multiple in known if multiple is not None), default=None)


def _in_one(pair: set[str], groups: Sequence[Collection[str]]) -> bool:
    return any(pair <= set(group) for group in groups)


def _suspected(row: Row, moves: Mapping[str, Movement], rival: Movement | None) -> Finding:
    """An output with what the labels of the train split suggest."""
    first, companion = moves[row["label"]], moves.get(row["companion"])
    if rival is not None and row["rival_lift"] <= SELDOM and _shortfall(row) >= SIGNIFICANT:
        return Finding(first, rival, "exclusive", row["rival_lift"], row["rival_expected"])
    if companion is not None and row["companion_lift"] * max(first.rate, companion.rate) >= ALWAYS:
        return Finding(first, companion, "together", row["companion_lift"])
    return Finding(first)


def _shortfall(row: Row) -> float:
    """(expected − observed) / √expected of a label and its rival."""
    return float((1 - row["rival_lift"]) * row["rival_expected"] ** 0.5)


def _judged(finding: Finding, controls: Mapping[ControlKind, float | None], rates: tuple[float, ...]) -> Finding:
    matched = _matched(finding.movements, rates)
    return replace(finding, matched=matched, verdict=_verdict(finding, matched, controls))


def _matched(movements: Sequence[Movement], rates: tuple[float, ...]) -> bool | None:
    """Whether every label has an independent control of its rate."""
    if not rates:
        return None
    apart = [min(max(move.rate, rate) / max(min(move.rate, rate), 1e-9) for rate in rates) for move in movements]
    return max(apart) <= MATCHED


def _verdict(found: Finding, matched: bool | None, controls: Mapping[ControlKind, float | None]) -> Verdict:
    multiple = found.first.multiple
    exclusive, independent = controls["exclusive"], controls["independent"]
    if multiple is None:
        return "open"
    if matched and independent is not None and independent >= multiple:
        return "refuted"
    if found.cause != "exclusive":
        return "open"
    if found.vanishes is False:
        return "refuted"
    if not matched or exclusive is None or independent is None:
        return "open"
    return "supported" if exclusive > independent else "open"
