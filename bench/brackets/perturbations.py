"""Logit perturbations of all pairs: what they add to the brackets.

Axes: N examples, T test examples, K outputs.
"""

import torch
from torch import Tensor

from bench.brackets.engine import all_pairs
from bench.brackets.subjects import CONVNET, IMAGE, MLP, MLP_INPUT, Subject, subject
from bench.case import Conditions, spread_figure
from bench.report import Figure
from bench.timing import Spread, interleaved
from workers.brackets.functional import Tensors
from workers.brackets.paths.path import Wanted
from workers.brackets.products import logit_perturbations

T = 32
_ABSOLUTE, _RELATIVE = 1e-5, 1e-3


def mlp(conditions: Conditions) -> list[Figure]:
    """MLP, all pairs, T = 32: brackets with their perturbations over the brackets alone."""
    N = 64 if conditions.quick else 128
    given = subject(MLP, MLP_INPUT, N, conditions.device, T=T)
    methods = {
        "alone": lambda: all_pairs(given),
        "moved": lambda: all_pairs(given, moved=True),
    }
    times = interleaved(methods, 5 if conditions.quick else 15, conditions.device)
    pairs = N * (N - 1) // 2
    return [
        Figure(f"MLP, N = {N}: brackets alone, per unordered pair", 1e3 * times.median("alone") / pairs, "ms"),
        Figure(f"MLP, N = {N}: with logits of T = {T}, per pair", 1e3 * times.median("moved") / pairs, "ms"),
        spread_figure(
            f"MLP, N = {N}: with logits over alone", times.ratio("moved", "alone"), "×", 1.5, 1.2, lower=True
        ),
    ]


def conv_net(conditions: Conditions) -> list[Figure]:
    """Conv net, T = 32: what perturbations add per pair, over a vmapped jvp of the very same brackets."""
    N = 4 if conditions.quick else 8
    given = subject(CONVNET, IMAGE, N, conditions.device, T=T)
    pairs = N * (N - 1) // 2
    directions = _brackets(given)
    check_perturbations(
        all_pairs(given, moved=True).logits, logit_perturbations(given.functional, given.tests, directions)
    )
    methods = {
        "alone": lambda: all_pairs(given),
        "moved": lambda: all_pairs(given, moved=True),
        "jvp": lambda: logit_perturbations(given.functional, given.tests, directions),
    }
    times = interleaved(methods, 3 if conditions.quick else 7, conditions.device)
    added = [with_ - without for with_, without in zip(times.seconds["moved"], times.seconds["alone"], strict=True)]
    share = Spread.of([more / jvp for more, jvp in zip(added, times.seconds["jvp"], strict=True)])
    name = f"conv net, T = {T}, N = {N}"
    return [
        Figure(f"{name}: brackets alone, per pair", 1e3 * times.median("alone") / pairs, "ms"),
        Figure(f"{name}: logits added, per pair", 1e3 * Spread.of(added).median / pairs, "ms"),
        Figure(f"{name}: vmapped jvp, per pair", 1e3 * times.median("jvp") / pairs, "ms"),
        spread_figure(f"{name}: logits over vmapped jvp", share, "×", 0.5, 0.2, lower=True),
    ]


def _brackets(given: Subject) -> Tensors:
    """All brackets, (pairs, *shape) per parameter."""
    N = len(given.inputs)
    state = given.path.first_order(given.inputs, given.targets)
    kept = given.path.pairs(state, None, Wanted(kept=range(N * (N - 1) // 2))).brackets
    return {name: torch.stack([bracket[name] for bracket in kept]) for name in kept[0]}


def check_perturbations(ours: Tensor | None, theirs: Tensor) -> None:
    """Return, if logit perturbations equal those of another method, so that nothing wrong can be fast.

    Raises:
        RuntimeError: they differ, or there are none.
    """
    scale = theirs.abs().max().item()
    if ours is None or not torch.allclose(ours, theirs.cpu(), rtol=_RELATIVE, atol=_ABSOLUTE * scale):
        raise RuntimeError("logit perturbations must equal those of a jvp over the same brackets, they do not")
