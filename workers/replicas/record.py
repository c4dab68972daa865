"""What a segment of replicas has found so far: rows of tables, small arrays for the summary, states to keep.

Axes: L looks, R members of a group (the baseline, its twin, then replicas), m = R − 1 of them compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.outcome import Rows
from workers.replicas.distances import Look
from workers.replicas.group import Group
from workers.replicas.stack.state import TAKEN

COMMON = 2
"""Members that every group has: the baseline and the twin."""
ONE_ROW_A_LOOK = "replica_baseline"
START_NORMS = "landmarks/start_norms"
"""The one array of a state without an axis of members."""
LOOK_AXES = {"steps": "look", "replicas": "replica", "diverged_steps": "replica", "first_moves": "replica"}
METRIC_AXES = "look replica"
PER_REPLICA = ("diverged_steps", "first_moves")


@dataclass
class Record:
    """Filled look by look.

    Attributes:
        replicas: The job's numbers of the members compared, (m,), the twin's first.
        steps: Steps looked at, (L,).
        rows: Of each look, by table and column.
        metrics: Of each look, (m,) by column of `replica_metrics`.
        states: The group's state at each step kept, (R, …).
        ends: What is known of the members at the end, by name.
    """

    replicas: tuple[int, ...]
    steps: list[int] = field(default_factory=list)
    rows: list[dict[str, Rows]] = field(default_factory=list)
    metrics: list[dict[str, np.ndarray[Any, np.dtype[np.float64]]]] = field(default_factory=list)
    states: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    ends: dict[str, Tensor] = field(default_factory=dict)

    def look(self, step: int, found: Look) -> None:
        """Note what a look found."""
        self.steps.append(step)
        self.rows.append(found.rows)
        self.metrics.append(found.metrics)

    def end(self, group: Group) -> None:
        """Note what has become of the members, and SHA-256 of the baseline's and the twin's states, (32,) uint8."""
        baseline, twin = (torch.tensor(list(bytes.fromhex(found))).to(torch.uint8) for found in group.digests())
        self.ends = {
            "diverged_steps": torch.from_numpy(group.landmarks.diverged_steps[1:].copy()),
            "first_moves": torch.from_numpy(group.landmarks.first_moves[1:].copy()),
            "baseline_digest": baseline,
            "twin_digest": twin,
        }

    def tables(self) -> dict[str, Rows]:
        """All rows found, look after look; hidden layers are measured at some looks only."""
        tables = dict.fromkeys(table for look in self.rows for table in look)
        return {table: _stacked([look[table] for look in self.rows if table in look]) for table in tables}

    def looks(self) -> dict[str, Tensor]:
        """`steps` (L,), `replicas` (m,), each metric as float64 (L, m), and the ends."""
        columns = self.metrics[0] if self.metrics else {}
        return {
            "steps": torch.tensor(self.steps, dtype=torch.int64),
            "replicas": torch.tensor(self.replicas, dtype=torch.int64),
            **{name: torch.from_numpy(np.stack([look[name] for look in self.metrics])) for name in columns},
            **self.ends,
        }

    def joined(self, other: "Record") -> "Record":
        """This record and that of further replicas, trained apart with a baseline and a twin of their own.

        Those two are the floor of their replicas too: where they are not this baseline, the twin's digest says so.
        """
        baseline = self.ends["baseline_digest"]
        copies = (self.ends["twin_digest"], other.ends["baseline_digest"], other.ends["twin_digest"])
        twin = next((copy for copy in copies if not torch.equal(copy, baseline)), self.ends["twin_digest"])
        return Record(
            replicas=(*self.replicas, *other.replicas[1:]),
            steps=self.steps,
            rows=[_joined_rows(mine, theirs) for mine, theirs in zip(self.rows, other.rows, strict=True)],
            metrics=[
                {name: np.concatenate([mine[name], theirs[name][1:]]) for name in mine}
                for mine, theirs in zip(self.metrics, other.metrics, strict=True)
            ],
            states={step: _joined_states(state, other.states[step]) for step, state in self.states.items()},
            ends=self.ends
            | {name: torch.cat([self.ends[name], other.ends[name][1:]]) for name in PER_REPLICA}
            | {"twin_digest": twin},
        )


def members_of(state: Mapping[str, Tensor], members: Sequence[int]) -> dict[str, Tensor]:
    """The state of some members of a group."""
    chosen = torch.tensor(members)
    return {name: tensor if name == START_NORMS else tensor[chosen] for name, tensor in state.items()}


def _stacked(parts: Sequence[Rows]) -> Rows:
    return {column: [value for part in parts for value in part[column]] for column in parts[0]}


def _joined_states(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor
        if name == START_NORMS
        else torch.cat([_held(mine, name, tensor), _held(theirs, name, tensor)[COMMON:]])
        for name, tensor in (theirs | mine).items()
    }


def _held(state: dict[str, Tensor], name: str, like: Tensor) -> Tensor:
    """A tensor of all members, shaped like another part's: a slot that no member of a part has needed is 0 there."""
    return state[name] if name in state else like.new_zeros(len(state[TAKEN]), *like.shape[1:])


def _joined_rows(mine: dict[str, Rows], theirs: dict[str, Rows]) -> dict[str, Rows]:
    return {
        table: columns if table == ONE_ROW_A_LOOK else _appended(columns, theirs[table])
        for table, columns in mine.items()
    }


def _appended(columns: Rows, more: Rows) -> Rows:
    """The rows of one look and table, with those of further replicas but not of their twin."""
    real = [place for place, replica in enumerate(more["replica"]) if replica >= 0]
    return {column: [*values, *(more[column][place] for place in real)] for column, values in columns.items()}
