"""Networks of one architecture trained together, every tensor with a leading axis of members."""

from workers.replicas.stack.parts import Part
from workers.replicas.stack.stacked import Stack
from workers.replicas.stack.start import stack

__all__ = ["Part", "Stack", "stack"]
