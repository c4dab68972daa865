"""What the members of a group do at each step, gathered so that those who do the same go together.

Axes: R members, m members of a part, B examples of a batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from schemas.optimizers import Rule
from schemas.perturbations import Change, Move
from workers.replicas.perturbations.courses import Course
from workers.replicas.perturbations.reach import Reach
from workers.replicas.stack.parts import Part


@dataclass(frozen=True)
class Due:
    """A move that a member makes now, with its draws from their beginning."""

    member: int
    move: Move
    draw: np.random.Generator


class Timetable:
    """The courses of a group, by step.

    Members without edits cost nothing, and edits cost only at the steps that they reach: a group whose members all
    take the baseline's batches by one rule has one part, of the same members, at every step.
    """

    def __init__(self, courses: Sequence[Course]) -> None:
        """The timetable of these members, the baseline first."""
        self._courses = tuple(courses)
        self._everyone = tuple(range(len(courses)))
        self._schemes = dict[tuple[Change, ...], list[int]]()
        self._by_step = dict[int, list[int]]()
        self._by_example = dict[int, list[int]]()
        self._by_start = dict[int, list[int]]()
        self._moving = dict[int, list[int]]()
        for member, course in enumerate(courses):
            self._schemes.setdefault(course.changes, []).append(member)
            reach = Reach.of(course.edits)
            for places, keys in ((self._by_step, reach.steps), (self._by_example, reach.examples)):
                for key in keys:
                    places.setdefault(key, []).append(member)
            if reach.after is not None:
                self._by_start.setdefault(reach.after, []).append(member)
            for step in {move.step for _, move in course.placed}:
                self._moving.setdefault(step, []).append(member)

    def parts(self, step: int) -> tuple[Part, ...]:
        """Who takes which step: disjoint parts that cover the group, their members ascending.

        Those whose batch equals the baseline's share it, in one part per rule; the others are gathered by rule and
        number of examples.

        Raises:
            UserFault: an edit leaves a batch empty.
        """
        shared = self._courses[0].batch(step)
        own = self._own(step, shared)
        rules = [(self._courses[members[0]].optimizer(step), members) for members in self._schemes.values()]
        first = rules[0][0]
        if not own and all(rule == first for rule, _ in rules):
            return (Part(self._everyone, shared, first),)
        together = list[tuple[Rule, int, list[int]]]()

    ...
