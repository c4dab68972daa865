"""Brackets from taps: what goes into each layer, what comes back to it, and how both change along a gradient."""

from workers.brackets.paths.tap.inspection import unsupported
from workers.brackets.paths.tap.path import Tap

__all__ = ["Tap", "unsupported"]
