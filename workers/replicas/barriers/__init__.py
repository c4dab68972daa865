"""Barriers of loss and error on the straight path between two networks."""

from workers.replicas.barriers.barrier import Barrier
from workers.replicas.barriers.estimation import Estimation
from workers.replicas.barriers.line import State
from workers.replicas.barriers.path import POINTS, Judge, StraightPath, straight_path

__all__ = ["POINTS", "Barrier", "Estimation", "Judge", "State", "StraightPath", "straight_path"]
