"""What sets replicas apart from their baseline: moves of parameters, edits of the batch schedule, changed rules."""

from workers.replicas.perturbations.courses import Course, courses
from workers.replicas.perturbations.moves import moved
from workers.replicas.perturbations.timetable import Due, Timetable

__all__ = ["Course", "Due", "Timetable", "courses", "moved"]
