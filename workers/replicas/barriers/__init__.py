"""Barriers of loss and error on the straight path between two networks."""

from workers.replicas.barriers.barrier import Barrier
from workers.replicas.barriers.line import State
from workers.replicas.barriers.path import POINTS, Judge, StraightPath, straight_paths

__all__ = ["POINTS", "Barrier", "Judge", "State", "StraightPath", "straight_paths"]
