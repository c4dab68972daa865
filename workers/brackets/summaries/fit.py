"""How far the bracket RMS of a tensor is proportional to its gradient RMS: fits over tensors on log10 axes."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class ProportionalityFit:
    """Fits of y = log10(bracket RMS) against x = log10(gradient RMS) over n tensors.

    Attributes:
        tensors: n.
        excluded: Tensors left out, because a gradient or bracket RMS is 0.
        intercept: Mean of y − x: the fit with slope 1; None without tensors.
        residual_sd_decades: S.d. of y − x (n − 1); None for n < 2.
        slope: Of the least-squares line; None unless x varies.
        free_intercept: Of the same line.
        pearson_r: Correlation of x and y; None unless both vary.
        r_squared_slope_1: 1 − Σ(y − x − intercept)² / Σ(y − ȳ)²; negative when a constant does better; None unless
            y varies.
    """

    tensors: int
    excluded: int
    intercept: float | None
    residual_sd_decades: float | None
    slope: float | None
    free_intercept: float | None
    pearson_r: float | None
    r_squared_slope_1: float | None

    def row(self, step: int, part: str) -> dict[str, Any]:
        """The row of the `fits` table (schemas.results.FITS) for a checkpoint and a part of its brackets."""
        return {"step": step, "part": part, **asdict(self)}


def proportionality_fit(gradient_rms: Floats, bracket_rms: Floats) -> ProportionalityFit:
    """Fit over the tensors whose RMS values are both positive: (n,) and (n,). Reported, never asserted."""
    used = (gradient_rms > 0) & (bracket_rms > 0)
    n = int(used.sum())
    excluded = len(used) - n
    if n == 0:
        return ProportionalityFit(0, excluded, None, None, None, None, None, None)
    x, y = np.log10(gradient_rms[used]), np.log10(bracket_rms[used])
    offset = float(np.mean(y - x))
    residual = float(np.sum((y - x - offset) ** 2))
    dx, dy = x - x.mean(), y - y.mean()
    sxx, syy, sxy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    slope = sxy / sxx if sxx > 0 else None
    return ProportionalityFit(
        tensors=n,
        excluded=excluded,
        intercept=offset,
        residual_sd_decades=float(np.sqrt(residual / (n - 1))) if n > 1 else None,
        slope=slope,
        free_intercept=None if slope is None else float(y.mean() - slope * x.mean()),
        pearson_r=sxy / float(np.sqrt(sxx * syy)) if sxx > 0 and syy > 0 else None,
        r_squared_slope_1=1 - residual / syy if syy > 0 else None,
    )
