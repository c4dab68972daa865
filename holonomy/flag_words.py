"""A report on flagged outputs in words: short lines that a practitioner can act on.

Movement is that of logits under swaps of training examples, per unit of p(1 − p), in multiples of the median output.
"""

from collections.abc import Iterator, Sequence

from holonomy.flags import CONTROL_KINDS, Finding, FlagReport

HARDLY = 0.02
"""Lift below which two labels are said hardly ever to occur together."""


def flag_lines(report: FlagReport) -> Iterator[str]:
    """The report, one line after the other; the lines of a finding but its first are indented."""
    count = len(report.findings)
    yield f"Step {report.step}: {count} {'finding' if count == 1 else 'findings'} among {report.outputs} outputs."
    yield f"The median output's logit moves {report.median:.3g} per unit of p(1 − p), to be scaled by lr² for a swap."
    for number, finding in enumerate(report.findings, start=1):
        first, *rest = finding_lines(finding, report)
        yield f"{number}. {first}"
        yield from (f"   {line}" for line in rest)
    if report.undecided:
        labels = _listed([f"`{label}`" for label in report.undecided])
        yield f"Not listed: {labels}. Raw logits move far there, but only because p(1 − p) is large."
    if report.left_out:
        yield f"{report.left_out} more outputs move at least twice as far as the median."
    yield from _control_lines(report)


def finding_lines(finding: Finding, report: FlagReport) -> Iterator[str]:
    """What is so, how far it moves, what the controls and a softmax say, what to do."""
    yield _what(finding, report)
    logits = "its logit moves" if finding.other is None else "their logits move"
    far = _listed([_times(move.multiple) for move in finding.movements])
    yield f"Under swaps {logits} {far} as far as the median output, per unit of p(1 − p)."
    yield from _held_against(finding, report)
    yield _next(finding, report)


def _what(finding: Finding, report: FlagReport) -> str:
    first = f"`{finding.first.label}`"
    if not report.independent:
        return f"{first} stands out."
    if finding.other is None or finding.lift is None:
        return f"{first} stands out, and no label of the train split excludes it or comes with it."
    both = f"{first} and `{finding.other.label}`"
    if finding.expected is None:
        return f"{both} come together, {finding.lift:.1f} times as often as by chance."
    met = round(finding.lift * finding.expected)
    often = "never" if met == 0 else "hardly ever" if finding.lift < HARDLY else "seldom"
    counts = f"{met:,} train examples, {finding.expected:,.0f} by chance"
    return f"{both} {often} occur together ({counts}) but are modelled as independent."


def _held_against(finding: Finding, report: FlagReport) -> Iterator[str]:
    independent = report.controls["independent"]
    if independent is not None and finding.matched is False and finding.cause == "exclusive":
        own = _listed([f"{move.rate:.3f}" for move in finding.movements])
        others = _listed([f"{rate:.3f}" for rate in report.control_rates])
        yield f"The independent controls have the rates {others}, not {own}: they do not settle this."
    elif independent is not None and finding.matched:
        above = finding.first.multiple is not None and finding.first.multiple > independent
        so = "the rates alone do not explain it" if above else "the rates alone explain it"
        yield f"Independent control labels of the same rates move {_times(independent)}: {so}."
    if finding.vanishes is not None:
        left = _listed([_times(move.softmax) for move in finding.movements])
        stays = "still there, so modelling them as independent is not what moves them"
        yield f"With a softmax head they move {left}: {'gone, as exclusion predicts' if finding.vanishes else stays}."


def _next(finding: Finding, report: FlagReport) -> str:
    if finding.verdict == "refuted":
        return "Do: nothing to the head of the model on this ground."
    if finding.cause == "together":
        return "Do: check how both were labelled; one may be redundant."
    if finding.cause == "unknown":
        return "Do: look at the pairs that move it most, in the table `perturbations`."
    softmax = "a softmax over both (loss `grouped_cross_entropy`)"
    if finding.vanishes:
        return f"Do: model them with {softmax}."
    wanting = "" if finding.matched else ", and make `controls` of this pair in the data"
    return f"Do: compare with {softmax}{wanting}."


def _control_lines(report: FlagReport) -> Iterator[str]:
    if not report.independent:
        yield "One softmax is over all outputs: none is modelled as independent, and there is nothing to control for."
        return
    known = [f"{kind} {_times(report.controls[kind])}" for kind in CONTROL_KINDS if report.controls[kind] is not None]
    missing = [kind for kind in CONTROL_KINDS if report.controls[kind] is None]
    if known:
        yield f"Control labels move: {_listed(known)}."
    if missing:
        yield f"Missing controls: {_listed(missing)}. Without them the cause of a finding stays open."
    exclusive, independent = report.controls["exclusive"], report.controls["independent"]
    if exclusive is not None and independent is not None and exclusive <= independent:
        yield "Exclusive controls move no further than independent ones: this job does not show exclusion."
    if report.copied is not None:
        yield f"Identical controls copy `{report.copied.label}`, which itself moves {_times(report.copied.multiple)}."
    if not report.softmax:
        yield "Missing control: a job with a softmax head, under which the effect of exclusion should vanish."


def _times(multiple: float | None) -> str:
    return "an unknown number of times" if multiple is None else f"{multiple:.1f} times"


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
