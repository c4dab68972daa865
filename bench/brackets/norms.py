"""Norms of all brackets: the engine against the textbook, and against the machine's matrix rate.

Axes: N examples.
"""

from itertools import pairwise

import torch

from bench.brackets.engine import all_pairs, check_norms, tile_shapes, tiles
from bench.brackets.subjects import CONVNET, IMAGE, MLP, MLP_INPUT, Subject, subject
from bench.brackets.textbook import textbook_norms
from bench.case import Conditions, spread_figure
from bench.report import Figure
from bench.timing import Spread, Times, interleaved
from schemas.widths import widths

TOLERANCE = 1e-3
TILE_EDGE = 512
_MATRIX = {"cpu": 2048, "cuda": 8192}


def small_mlp(conditions: Conditions) -> list[Figure]:
    """MLP 784-512-512-10, N = 32, against both textbooks."""
    N = 16 if conditions.quick else 32
    given = subject(MLP, MLP_INPUT, N, conditions.device)
    return _against_textbook(f"MLP, N = {N}", given, 400, 1_000, conditions, repeats=20)


def conv_net(conditions: Conditions) -> list[Figure]:
    """Conv net of 1.25 million parameters with BatchNorm and Mish on 3×64×64, N = 16, against both textbooks."""
    N = 8 if conditions.quick else 16
    given = subject(CONVNET, IMAGE, N, conditions.device)
    return _against_textbook(f"conv net, N = {N}", given, 5, 10, conditions, repeats=3)


def large_mlp(conditions: Conditions) -> list[Figure]:
    """MLP 784-512-512-10, N = 512: seconds, and the share of the matrix rate in products of the structured path.

    Those are 4 Σ_(l ≥ 2) d_l d_(l−1) operations per ordered pair; gradients and reductions take time and count
    nothing. The rate is that of one large square product, taken in turn with the engine.
    """
    N = 256 if conditions.quick else 512
    given = subject(MLP, MLP_INPUT, N, conditions.device)
    shapes = list(tile_shapes(N, TILE_EDGE))
    n = _MATRIX[conditions.device.type]
    a, b = torch.randn(2, n, n, device=conditions.device).unbind()
    methods = {"engine": lambda: list(tiles(given, shapes)), "matrix": lambda: a @ b}
    times = interleaved(methods, 3 if conditions.quick else 7, conditions.device, {"matrix": 5})
    K = given.targets.shape[1]
    ends = (*widths(MLP, *MLP_INPUT, K), K)
    operations = N * (N - 1) * 4 * sum(d * before for before, d in pairwise(ends))
    best = min(times.seconds["matrix"])
    share = Spread.of([operations / taken / (2 * n**3 / best) for taken in times.seconds["engine"]])
    return [
        Figure(f"matrix rate, {n} × {n}, fp32, best of the run", 2 * n**3 / best / 1e9, "GF/s"),
        _seconds(f"MLP, N = {N}", times, "engine", None if conditions.quick else 6.0),
        spread_figure(f"MLP, N = {N}: share of the matrix rate", share, "share", 0.38, 0.60),
    ]


def _against_textbook(
    name: str, given: Subject, target: float, aim: float, conditions: Conditions, repeats: int
) -> list[Figure]:
    """Both textbooks and the engine in turn; the faster textbook counts."""
    functional, inputs, targets = given.functional, given.inputs, given.targets
    methods = {
        "engine": lambda: all_pairs(given),
        "textbook": lambda: textbook_norms(functional, inputs, targets),
        "textbook, chunked": lambda: textbook_norms(functional, inputs, targets, chunk_size=1),
    }
    check_norms(all_pairs(given), textbook_norms(functional, inputs, targets, chunk_size=1), TOLERANCE)
    rounds, warm = 2 if conditions.quick else 5, frozenset({"engine", "textbook, chunked"})
    times = interleaved(methods, rounds, conditions.device, {"engine": repeats}, warm)
    baseline = times.fastest("textbook", "textbook, chunked")
    ratio = times.ratio(baseline, "engine")
    return [
        _seconds(f"{name}: {given.path.name} path", times, "engine"),
        _seconds(f"{name}: textbook", times, "textbook"),
        _seconds(f"{name}: textbook, chunked", times, "textbook, chunked"),
        spread_figure(f"{name}: {given.path.name} path over {baseline}", ratio, "×", target, aim),
    ]


def _seconds(name: str, times: Times, method: str, target: float | None = None) -> Figure:
    spread = Spread.of(times.seconds[method])
    return Figure(name, spread.median, "s", target, lower_is_better=True, low=spread.low, high=spread.high)
