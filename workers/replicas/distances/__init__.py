"""Distances of replicas to their baseline: in parameter space, in function space, and between hidden layers."""

from workers.replicas.distances.examples import Examples
from workers.replicas.distances.landmarks import Landmarks
from workers.replicas.distances.look import Gauge, Look
from workers.replicas.distances.meaning import Meaning

__all__ = ["Examples", "Gauge", "Landmarks", "Look", "Meaning"]
