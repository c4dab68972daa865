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

SHARED = -1
"""In place of a number of examples: the baseline's batch."""


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
        rules = dict[Rule, list[int]]()
        for members in self._schemes.values():
            rules.setdefault(self._courses[members[0]].optimizer(step), []).extend(members)
        if not own and len(rules) == 1:
            return (Part(self._everyone, shared, next(iter(rules))),)
        found = list[Part]()
        for rule, members in rules.items():
            lengths = dict[int, list[int]]()
            for member in sorted(members):
                lengths.setdefault(len(own[member]) if member in own else SHARED, []).append(member)
            for length, alike in lengths.items():
                examples = shared if length == SHARED else torch.stack([own[member] for member in alike])
                found.append(Part(tuple(alike), examples, rule))
        return tuple(found)

    def moves(self, step: int) -> Iterator[Due]:
        """Moves after a step (0: of the initialisation), member after member, those of one in their order."""
        for member in self._moving.get(step, ()):
            for move, draw in self._courses[member].moves(step):
                yield Due(member, move, draw)

    def _own(self, step: int, shared: Tensor) -> dict[int, Tensor]:
        """Batches that are not the baseline's, by member."""
        reached = set(self._by_step.get(step, ()))
        for after, members in self._by_start.items():
            if step > after:
                reached.update(members)
        if self._by_example:
            for example in shared.tolist():
                reached.update(self._by_example.get(example, ()))
        batches = {member: self._courses[member].batch(step) for member in reached}
        return {member: batch for member, batch in batches.items() if not torch.equal(batch, shared)}
