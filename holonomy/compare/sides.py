"""The two sides of a comparison: finished jobs with their specs, and the groups that differ in more than a seed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from holonomy.across import TablesAcross
from holonomy.compare.statistics import FEWEST
from holonomy.errors import Refused
from holonomy.handle import JobHandle
from holonomy.leaves import Leaf, differing, leaves
from schemas.canonical import canonical_json
from schemas.jobs import AnyJob, training_of
from schemas.states import TERMINAL_JOBS, JobState

SEEDS = ("training.seed", "seed")
"""Of the training run, and of what else a job draws."""

Group = tuple[tuple[str, Leaf], ...]
"""Values of the varied fields by their paths."""


@dataclass(frozen=True)
class Member:
    """A job of a side, which has ended."""

    handle: JobHandle
    spec: AnyJob

    @property
    def done(self) -> bool:
        """Whether it has results."""
        return self.handle.seen.state is JobState.DONE

    @property
    def seed(self) -> int:
        """The seed of its training run."""
        training = training_of(self.spec)
        return 0 if training is None else training.seed

    @cached_property
    def fields(self) -> dict[str, Leaf]:
        """Its spec by paths, without seeds."""
        flat = leaves(self.spec.model_dump(mode="json"))
        return {path: value for path, value in flat.items() if path not in SEEDS}


@dataclass(frozen=True)
class Side:
    """Jobs under a name, and where their results are read."""

    name: str
    members: tuple[Member, ...]
    tables: TablesAcross


def side(name: str, members: Iterable[Member], tables: TablesAcross) -> Side:
    """A side of jobs that have all ended.

    Raises:
        Refused: no job, an unfinished job, or a job twice.
    """
    found = tuple(members)
    if not found:
        raise Refused(f"there is nothing to compare: {name} has no jobs")
    unfinished = [member.handle for member in found if member.handle.seen.state not in TERMINAL_JOBS]
    if unfinished:
        first = unfinished[0]
        raise Refused(
            f"{name} is not finished: {len(unfinished)} of {len(found)} jobs have not ended, job {first.id} is "
            f"{first.seen.state}; wait for it, then compare"
        )
    number, times = Counter(member.handle.id for member in found).most_common(1)[0]
    if times > 1:
        raise Refused(f"{name} lists job {number} more than once")
    return Side(name, found, tables)


def kind_of(*sides: Side) -> str:
    """The kind of all jobs.

    Raises:
        Refused: there are several.
    """
    kinds = sorted({member.handle.kind for one in sides for member in one.members})
    if len(kinds) > 1:
        raise Refused(f"jobs of one kind are compared; here are {' and '.join(kinds)} jobs: name those of one kind")
    return kinds[0]


def varied_fields(*sides: Side) -> list[str]:
    """Paths, seeds aside, at which jobs of one and the same side differ: what a sweep was made over.

    What is equal within each side and differs between them, such as a field that a schedule fills in from the
    instant, is not among them; see `changed_fields`.
    """
    found = [path for one in sides for path in differing([member.fields for member in one.members])]
    return list(dict.fromkeys(found))


def changed_fields(a: Side, b: Side, varied: Sequence[str]) -> dict[str, tuple[Leaf, Leaf]]:
    """What differs between the recipes: fields that are equal within each side and not between them, A before B."""
    first, second = a.members[0].fields, b.members[0].fields
    return {path: (first.get(path), second.get(path)) for path in differing([first, second]) if path not in varied}


def groups(one: Side, varied: Sequence[str]) -> Mapping[Group, tuple[Member, ...]]:
    """Jobs of a side that differ in nothing but seeds, by what the group has in the varied fields.

    Raises:
        Refused: a group has fewer than two seeds of training, or two jobs of equal seeds.
    """
    found: dict[Group, list[Member]] = defaultdict(list)
    for member in one.members:
        found[tuple((path, member.fields.get(path)) for path in varied)].append(member)
    for group, members in found.items():
        _check_seeds(one.name, group, members)
    return {group: tuple(members) for group, members in found.items()}


def _check_seeds(name: str, group: Group, members: Sequence[Member]) -> None:
    there = dict[bytes, int]()
    for member in members:
        spec = canonical_json(member.spec)
        if spec in there:
            raise Refused(
                f"jobs {there[spec]} and {member.handle.id} of {name} ran the same spec with equal seeds: they say "
                "nothing about the spread over seeds; give one of them"
            )
        there[spec] = member.handle.id
    seeds = {member.seed for member in members}
    if len(seeds) < FEWEST:
        raise Refused(
            f"a spread over seeds needs at least two seeds of training a side; {name} has {len(seeds)}"
            f"{f' at {group_text(group)}' if group else ''}: give the sweep more `seeds`"
        )


def group_text(group: Group, *, short: bool = False) -> str:
    """A group in words, such as `training.optimizer.lr = 0.1`; empty where nothing is varied.

    Args:
        group: The varied fields and their values.
        short: Name fields by the last part of their paths alone, where that tells them apart.
    """
    ends = [path.rpartition(".")[2] for path, _ in group]
    names = ends if short and len(set(ends)) == len(ends) else [path for path, _ in group]
    values = ("none" if value is None else str(value) for _, value in group)
    return ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
