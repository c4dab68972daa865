"""Sweeps: one job spec varied along axes, and the jobs that come of it."""

from schemas.sweeps.axes import MAX_SWEEP_JOBS
from schemas.sweeps.expansion import Point, expand
from schemas.sweeps.mistake import SweepMistake
from schemas.sweeps.sweep import Sweep, seed_path

__all__ = ["MAX_SWEEP_JOBS", "Point", "Sweep", "SweepMistake", "expand", "seed_path"]
