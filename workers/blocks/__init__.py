"""Blocks: what a worker runs. `run` is the one way in."""

from workers.blocks.run import run
from workers.outcome import Finished

__all__ = ["Finished", "run"]
