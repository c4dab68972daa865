"""Mends what a check found, as far as running blocks again can.

Objects of done jobs are computed again; Parquet copies are dropped, to be written on demand; damaged parts of
datasets are deleted, so that importing the dataset again can write them. Nothing that is sound is touched.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text

from schemas.retention import Mended
from schemas.states import TERMINAL_JOBS, JobState
from service.errors import Conflict
from service.objects import ObjectStore
from service.queue.events import Line, write
from service.queue.mending import mend
from service.retention.batches import batched
from service.retention.collect import BATCH, collect
from service.retention.naming import hold_collection

_POLL_SECONDS = 1.0
_SHOWN = 20

_JOBS = text("select distinct job_id from findings where owner = 'object' order by job_id")
_WANTED = text("select name from findings where owner = 'object' and job_id = :job")
_LOST = text("""
    with recursive family as (
        select cast(:job as bigint) as id
        union
        select l.parent_id from job_parents l join family f on f.id = l.job_id
    )
    select f.key from findings f join family on family.id = f.job_id where f.owner = 'object' and f.fault <> 'dropped'
""")
_ADD_DROPPED = text("""
    insert into findings (fault, key, owner, job_id, name, sha256, detail)
    select 'dropped', key, 'object', job_id, name, sha256, 'dropped by a policy'
    from objects where job_id = any(:jobs) and dropped_at is not null
""")
_STATE = text("select state from jobs where id = :job for no key update")
_STATES = text("select id, state from jobs where id = any(:jobs)")
# Their jobs compute nothing by themselves; once they are retried, what they need is computed again.
_LET_GO = text("""
    update objects set dropped_at = now(), drop_reason = 'lost: a check did not find it whole'
    where job_id = :job and key = any(:keys) and dropped_at is null
""")
_FORGET_TABLES = text("""
    delete from table_files t using findings f where f.owner = 'table' and t.key = f.key returning t.key
""")
_PARTS = text("select key, fault, detail from findings where owner = 'dataset' order by id")
_OUTCOMES = text("""
    select count(*) filter (where o.key <> f.key and o.sha256 = f.sha256) as same,
           count(*) filter (where o.key <> f.key and o.sha256 <> f.sha256) as other
    from findings f join objects o on o.job_id = f.job_id and o.name = f.name where f.owner = 'object'
""")
_LEFT = text("""
    select o.job_id, o.name from findings f join objects o on o.job_id = f.job_id and o.name = f.name
    where f.owner = 'object' and o.key = f.key and (o.dropped_at is null or f.fault = 'dropped')
    order by f.id limit :shown
""")
_REPLACED = text("""
    select f.key from findings f join objects o on o.job_id = f.job_id and o.name = f.name
    where f.owner = 'object' and o.key <> f.key
""")
_OTHERS = text("select fault, count(*) as count from findings where fault in ('orphaned', 'rows') group by fault")
_ADVICE = {
    "orphaned": "{:,} objects are named by no row: `holonomy gc` collects them",
    "rows": "{:,} tables lack rows: submit their jobs again with fresh=true",
}


@dataclass
class Repair:
    """One attempt to mend what `findings` on this connection holds.

    Attributes:
        engine: For transactions of their own.
        connection: Of the check.
        store: The bucket.
        told: Called with a line where something goes on.
        jobs: Jobs that run again.
        blocks: How many of their blocks.
        left: What could not be mended.
    """

    engine: Engine
    connection: Connection
    store: ObjectStore
    told: Callable[[str], None]
    jobs: set[int] = field(default_factory=set)
    blocks: int = 0
    left: list[str] = field(default_factory=list)

    def start(self, dropped_of: Sequence[int]) -> int:
        """Put blocks back to work, and drop what is written again on demand.

        Args:
            dropped_of: Jobs of which what retention dropped is wanted back as well.

        Returns:
            Parquet copies that were dropped.
        """
        self.connection.execute(_ADD_DROPPED, {"jobs": list(dropped_of)})
        self.connection.commit()
        tables = self._forget_tables()
        self._delete_parts()
        jobs = self.connection.execute(_JOBS).scalars().all()
        self.connection.commit()
        for job_id in jobs:
            self._mend_job(job_id)
        return tables

    def wait(self, seconds: float | None = None) -> None:
        """Return when every job that runs again has ended, or after so long."""
        deadline = None if seconds is None else time.monotonic() + seconds
        told = None
        while running := self._running():
            if deadline is not None and time.monotonic() > deadline:
                self.left.append(f"jobs {_listed(running)} still run: check again once they have ended")
                return
            if running != told:
                self.told(f"{self.blocks:,} blocks run again; jobs {_listed(running)} have not ended")
                told = running
            time.sleep(_POLL_SECONDS)

    def outcome(self, tables: int, *, waited: bool) -> Mended:
        """What became of it; replaced objects are deleted from the bucket."""
        replaced = self.connection.execute(_REPLACED).scalars().all()
        same, other = self.connection.execute(_OUTCOMES).one()
        rest = self.connection.execute(_LEFT, {"shown": _SHOWN}).all() if waited else []
        others = self.connection.execute(_OTHERS).all()
        self.connection.commit()
        collect(self.engine, self.store, replaced)
        if not self.left:
            self.left += [
                f"object `{row.name}` of job {row.job_id} could not be computed again: `holonomy logs {row.job_id}` "
                "says why"
                for row in rest
            ]
        self.left += [_ADVICE[row.fault].format(row.count) for row in others]
        return Mended(
            jobs=tuple(sorted(self.jobs)),
            blocks=self.blocks,
            same=same,
            other=other,
            tables=tables,
            left=tuple(self.left),
        )

    def _forget_tables(self) -> int:
        with self.connection.begin():
            keys = self.connection.execute(_FORGET_TABLES).scalars().all()
        collect(self.engine, self.store, keys)
        return len(keys)

    def _delete_parts(self) -> None:
        """Damaged parts of datasets: their keys are made of their bytes, so nothing else can be written there."""
        rows = self.connection.execute(_PARTS).all()
        self.connection.commit()
        for batch in batched([row.key for row in rows if row.fault != "missing"], BATCH):
            with self.engine.begin() as connection:
                hold_collection(connection)
                self.store.delete(batch)
        self.left += [
            f"{row.key}, a part of a dataset: {row.detail}; import the dataset again with `holonomy data import`"
            for row in rows[:_SHOWN]
        ]

    def _mend_job(self, job_id: int) -> None:
        names = self.connection.execute(_WANTED, {"job": job_id}).scalars().all()
        lost = self.connection.execute(_LOST, {"job": job_id}).scalars().all()
        self.connection.commit()
        try:
            with self.engine.begin() as connection:
                state = JobState(connection.execute(_STATE, {"job": job_id}).scalar_one())
                if state in {JobState.FAILED, JobState.CANCELLED}:
                    gone = connection.execute(_LET_GO, {"job": job_id, "keys": lost}).rowcount
                    write(connection, [Line(job_id, f"{gone:,} objects are lost; a retry computes what it needs")])
                    return
                reopened = mend(connection, {job_id: names}, lost)
        except Conflict as error:
            self.left.append(str(error))
            return
        self.jobs |= reopened.keys()
        self.blocks += sum(reopened.values())

    def _running(self) -> tuple[int, ...]:
        rows = self.connection.execute(_STATES, {"jobs": sorted(self.jobs)}).all()
        self.connection.commit()
        return tuple(row.id for row in rows if JobState(row.state) not in TERMINAL_JOBS)


def _listed(jobs: Sequence[int]) -> str:
    return ", ".join(map(str, jobs[:_SHOWN])) + (", …" if len(jobs) > _SHOWN else "")
