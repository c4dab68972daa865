"""Mending: done blocks run again for objects that are gone, and what they found before stays.

The job goes back into the queue with those blocks waiting; the planner lets it go on once its parents are done, phase
by phase. When such a block commits, only its objects are replaced. When it cannot be computed, it is as done as it
was before, without its objects.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from schemas.blocks import Need
from schemas.states import TERMINAL_JOBS, JobState
from service.errors import Conflict
from service.queue.events import Line, write

Names = Mapping[int, Collection[str]]
"""Names of objects by job."""
NEEDS_OTHERS = "dropped"
"""Code of the refusal to mend what needs a dropped object of a job that is no parent: waiting does not help."""

_ALLOW = text("select set_config('holonomy.mending', 'on', true)")
_FAMILY = text("""
    with recursive family as (
        select unnest(cast(:jobs as bigint[])) as id
        union
        select l.parent_id from job_parents l join family f on f.id = l.job_id
    )
    select j.id, j.state from jobs j join family f using (id) order by j.id for no key update of j
""")
_DROPPED = text("""
    select o.name, o.block_id, b.mending from objects o join blocks b on b.id = o.block_id
    where o.job_id = :job and o.dropped_at is not null order by o.name
""")
_LOST = text("""
    select o.name, o.block_id, b.mending from objects o join blocks b on b.id = o.block_id
    where o.job_id = :job and o.key = any(:keys) and o.dropped_at is null
""")
# The error of a done block is that of an attempt to mend it.
_FAILED = text("""
    select o.name, b.error ->> 'message' as message from objects o join blocks b on b.id = o.block_id
    where o.job_id = :job and o.name = any(:names) and o.dropped_at is not null and b.state = 'done'
      and b.error is not null
    order by o.name limit 1
""")
_NEEDS = text("select needs from blocks where id = any(:blocks)")
_UNFINISHED = text("select needs from blocks where job_id = :job and state <> 'done' and needs <> '[]'")
_REOPEN = text("""
    update blocks
    set state = 'waiting', mending = true, reason = 'its objects are computed again', attempts = 0, lost = 0,
        waits = 0, error = null, device = coalesce(leased_on, device)
    where id = any(:blocks) and state = 'done'
""")
_QUEUE = text("""
    update jobs set state = 'queued', finished_at = null, reason = 'to be mended', cancel_requested_at = null,
        blocks_done = blocks_done - :blocks
    where id = :job
""")
_GIVE_UP = text("""
    update blocks set state = 'done', mending = false, reason = null
    where job_id = :job and mending and state in ('ready', 'waiting')
""")


class InputsDropped(Exception):
    """A queued job needs objects of its parents that retention dropped; `names` has them by job."""

    def __init__(self, names: Names) -> None:
        super().__init__(f"jobs {', '.join(map(str, sorted(names)))} must run again first")
        self.names = names


def dropped(connection: Connection, needs: Iterable[Need]) -> dict[int, set[str]]:
    """Names, by job, of what is needed and was dropped by retention."""
    wanted: dict[int, set[Need]] = defaultdict(set)
    for need in needs:
        wanted[need.job_id].add(need)
    found = {job_id: _gone_of(connection, job_id, its, ()) for job_id, its in wanted.items()}
    return {job_id: names for job_id, names in found.items() if names}


def failed_to_mend(connection: Connection, names: Names) -> str | None:
    """Why one of these dropped objects is not to be had: its block ran again, and failed."""
    for job_id, wanted in sorted(names.items()):
        row = connection.execute(_FAILED, {"job": job_id, "names": sorted(wanted)}).one_or_none()
        if row is not None:
            return (
                f"object `{row.name}` of job {job_id}, which it needs, was dropped by retention and could not be "
                f"computed again: {row.message}; once `holonomy fsck --mend {job_id}` does, retry this job"
            )
    return None


def unfinished_needs(connection: Connection, job_id: int) -> list[Need]:
    """What the blocks of a job that are not done need."""
    return list(_parsed(connection.execute(_UNFINISHED, {"job": job_id})))


def mend(connection: Connection, wanted: Names, lost: Collection[str] = ()) -> dict[int, int]:
    """Have objects computed again, and before them what their blocks need and is gone as well; blocks by job.

    Args:
        connection: In a transaction.
        wanted: Objects to bring back, of jobs that are done.
        lost: Keys of objects that are gone although no policy dropped them.

    Raises:
        Conflict: a job runs, or a block needs what is gone of a job that is no parent; nothing was changed.
    """
    family = {row.id: JobState(row.state) for row in connection.execute(_FAMILY, {"jobs": sorted(wanted)})}
    names: dict[int, set[str]] = defaultdict(set, {job: set(its) for job, its in wanted.items()})
    reopened: dict[int, set[int]] = {}
    # Parents were accepted before their children: from the newest to the oldest, every need is known in time.
    for job_id in sorted(family, reverse=True):
        if not names[job_id]:
            continue
        gone = _Gone.of(connection, job_id, lost)
        blocks, elsewhere = gone.closure(connection, gone.blocks(names[job_id]))
        _demand(connection, elsewhere, family, names, lost)
        reopened[job_id] = blocks
    for job_id in sorted(reopened):
        _reopen(connection, job_id, family[job_id], reopened[job_id])
    return {job_id: len(blocks) for job_id, blocks in sorted(reopened.items()) if blocks}


def mend_for_rest(connection: Connection, job_id: int) -> bool:
    """Have what the unfinished blocks of a locked failed or cancelled job need of it computed again.

    Returns:
        Whether the job must wait in the queue: until the planner saw to it that its parents have what is needed.
    """
    needs = unfinished_needs(connection, job_id)
    gone = _Gone.of(connection, job_id, ())
    own = {name for need in needs if need.job_id == job_id for name in gone.matching(need)}
    blocks, elsewhere = gone.closure(connection, gone.blocks(own))
    if blocks:
        _run_again(connection, job_id, blocks)
    return bool(blocks) or bool(dropped(connection, (need for need in [*needs, *elsewhere] if need.job_id != job_id)))


def give_up(connection: Connection, job_id: int) -> int:
    """Leave the blocks that wait to be mended as done as they were; how many. Their objects stay gone."""
    connection.execute(_ALLOW)
    return connection.execute(_GIVE_UP, {"job": job_id}).rowcount


class _Gone:
    """The objects of a job that are gone, in the order of their names, each with the block that made it."""

    def __init__(self, job_id: int, rows: Iterable[Any]) -> None:
        ordered = sorted(rows, key=lambda row: row.name)
        self._job_id = job_id
        self._names = [row.name for row in ordered]
        self._blocks = {row.name: row.block_id for row in ordered}
        self.mending = {row.block_id for row in ordered if row.mending}

    @classmethod
    def of(cls, connection: Connection, job_id: int, lost: Collection[str]) -> "_Gone":
        rows = connection.execute(_DROPPED, {"job": job_id}).all()
        if lost:
            rows = [*rows, *connection.execute(_LOST, {"job": job_id, "keys": list(lost)})]
        return cls(job_id, rows)

    def matching(self, need: Need) -> list[str]:
        """Names that a need of this job stands for."""
        if not need.prefix:
            return [need.name] if need.name in self._blocks else []
        start = bisect_left(self._names, need.name)
        found = list[str]()
        for name in self._names[start:]:
            if not name.startswith(need.name):
                break
            found.append(name)
        return found

    def blocks(self, names: Iterable[str]) -> set[int]:
        """Blocks that made objects of these names that are gone."""
        return {self._blocks[name] for name in names if name in self._blocks}

    def closure(self, connection: Connection, blocks: set[int]) -> tuple[set[int], list[Need]]:
        """The blocks and those whose objects they need in turn; and what all of them need of other jobs."""
        chosen, elsewhere = set[int](), list[Need]()
        while blocks:
            chosen |= blocks
            needs = list(_parsed(connection.execute(_NEEDS, {"blocks": sorted(blocks)})))
            elsewhere += [need for need in needs if need.job_id != self._job_id]
            own = (name for need in needs if need.job_id == self._job_id for name in self.matching(need))
            blocks = self.blocks(own) - chosen
        return chosen - self.mending, elsewhere


def _parsed(rows: Iterable[Any]) -> Iterator[Need]:
    for row in rows:
        for need in row.needs:
            yield Need.model_validate(need)


def _gone_of(connection: Connection, job_id: int, needs: Iterable[Need], lost: Collection[str]) -> set[str]:
    gone = _Gone.of(connection, job_id, lost)
    return {name for need in needs for name in gone.matching(need)}


def _demand(
    connection: Connection,
    needs: Iterable[Need],
    family: Collection[int],
    names: dict[int, set[str]],
    lost: Collection[str],
) -> None:
    """Add what is needed of other jobs and is gone to what is wanted of them."""
    wanted: dict[int, set[Need]] = defaultdict(set)
    for need in needs:
        wanted[need.job_id].add(need)
    for job_id, its in wanted.items():
        found = _gone_of(connection, job_id, its, lost)
        if found and job_id not in family:
            raise Conflict(
                NEEDS_OTHERS,
                f"object `{min(found)}` of job {job_id}, which a projection needs, is gone: "
                f"`holonomy fsck --mend {job_id}` computes it again; then try again",
            )
        names[job_id] |= found


def _reopen(connection: Connection, job_id: int, state: JobState, blocks: set[int]) -> None:
    if not blocks:
        return
    if state not in TERMINAL_JOBS | {JobState.QUEUED}:
        raise Conflict("not_ended", f"job {job_id} is {state.value}: its objects can be mended once it has ended")
    _run_again(connection, job_id, blocks)


def _run_again(connection: Connection, job_id: int, blocks: set[int]) -> None:
    connection.execute(_ALLOW)
    reopened = connection.execute(_REOPEN, {"blocks": sorted(blocks)}).rowcount
    connection.execute(_QUEUE, {"job": job_id, "blocks": reopened})
    write(connection, [Line(job_id, f"{reopened:,} blocks run again: their objects are gone")])
