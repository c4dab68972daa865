"""The queue against a simple model: whatever the order of claims, commits, losses, cancels, retries, they agree."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from schemas.blocks import ErrorKind
from schemas.diagnostic import Diagnostic
from schemas.projects import ProjectLimits
from schemas.states import BlockState, JobState
from schemas.sweeps import Sweep
from service.errors import Conflict
from service.queue.cancel import cancel
from service.queue.projects import set_limits
from service.queue.retry import retry
from service.queue.upkeep import plan_jobs

CAP = st.none() | st.integers(1, 3)
PROJECT = st.sampled_from(["default", "limited"])
ENDED = {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass
class ModelJob:
    """What the model knows of a job: states of its blocks, their counted failures, and which limits it is under."""

    blocks: dict[int, BlockState]
    limits: tuple[str, ...] = ()
    state: JobState = JobState.RUNNING
    attempts: dict[int, int] = field(default_factory=dict)

    def having(self, state):
        return [block for block, its in self.blocks.items() if its == state]

    def end_queued(self):
        for block in self.having(BlockState.READY):
            self.blocks[block] = BlockState.CANCELLED

    def settle(self):
        if self.state in {JobState.RUNNING, JobState.CANCELLING}:
            if len(self.having(BlockState.DONE)) == len(self.blocks):
                self.state = JobState.DONE
            elif self.state == JobState.CANCELLING and not self.having(BlockState.RUNNING):
                self.state = JobState.CANCELLED

    def broke(self, block, kind):
        if self.state != JobState.RUNNING:
            self.blocks[block] = BlockState.CANCELLED
        else:
            self.attempts[block] = self.attempts.get(block, 0) + (kind == "internal")
            failed = kind == "user" or self.attempts[block] == 3
            self.blocks[block] = BlockState.FAILED if failed else BlockState.READY
            if failed:
                self.state = JobState.FAILED
                self.end_queued()
        self.settle()


class QueueMachine(RuleBasedStateMachine):
    """Rules are what clients and dispatchers do; every claim ever made is kept, so that stale ones commit too."""

    desk = None

    def __init__(self):
        super().__init__()
        self.desk.sql("truncate jobs, blocks, events, sweeps restart identity cascade")
        self.jobs: dict[int, ModelJob] = {}
        self.most: dict[str, int | None] = {}
        self.limit_project(None)
        self.claims = []
        self.held = {}

    def some(self, data, items):
        return data.draw(st.sampled_from(items))

    @rule(blocks=st.integers(1, 4), most=CAP, project=PROJECT)
    def submit(self, blocks, most, project):
        fields = {"project": project, "max_running_blocks": most}
        job_id = self.desk.start(Diagnostic(blocks=blocks), fresh=True, **fields)
        self.most[f"job {job_id}"] = most
        self.planned(job_id, f"job {job_id}", project)

    @rule(jobs=st.integers(1, 3), blocks=st.integers(1, 2), most=CAP, project=PROJECT)
    def submit_sweep(self, jobs, blocks, most, project):
        sweep = Sweep(base=Diagnostic(blocks=blocks), axes={"record_bytes": list(range(jobs))})
        fields = {"project": project, "max_running_blocks": most}
        sweep_id = self.desk.sweep(sweep, always=True, fresh=True, **fields).sweep_id
        plan_jobs(self.desk.engine)
        self.most[f"sweep {sweep_id}"] = most
        for row in self.desk.sql("select id from jobs where sweep_id = :sweep order by id", sweep=sweep_id):
            self.planned(row.id, f"sweep {sweep_id}", project)

    @rule(most=CAP)
    def limit_project(self, most):
        set_limits(self.desk.engine, "limited", ProjectLimits(max_running_blocks=most))
        self.most["limited"] = most

    @rule(limit=st.integers(1, 5))
    def claim(self, limit):
        expected = self.startable(limit)
        claimed = self.desk.claim(limit)
        assert [block.block_id for block in claimed] == expected
        for block in claimed:
            self.jobs[block.job_id].blocks[block.block_id] = BlockState.RUNNING
            self.held[block.block_id] = block.token
        self.claims += claimed

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), count=st.integers(1, 3))
    def finish(self, data, count):
        claims = list({id(claim): claim for claim in (self.some(data, self.claims) for _ in range(count))}.values())
        expected = [self.release(claim) for claim in claims]
        for claim, counts in zip(claims, expected, strict=True):
            if counts:
                self.jobs[claim.job_id].blocks[claim.block_id] = BlockState.DONE
        for claim in claims:
            self.jobs[claim.job_id].settle()
        assert self.desk.commit(*(self.desk.done(claim) for claim in claims)) == expected

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), kind=st.sampled_from(["user", "internal", "internal", "lost", "unavailable", "cancelled"]))
    def fail(self, data, kind: ErrorKind):
        claim = self.some(data, self.claims)
        counts = self.release(claim)
        if counts:
            self.jobs[claim.job_id].broke(claim.block_id, kind)
        assert self.desk.commit(self.desk.broken(claim, kind)) == [counts]
        self.desk.due()

    @rule()
    def crash(self):
        """Every lease lapses, and is rescued."""
        self.desk.lapse()
        assert self.desk.rescue() == len(self.held)
        self.desk.due()
        for block in list(self.held):
            job = next(job for job in self.jobs.values() if block in job.blocks)
            job.broke(block, "lost")
        self.held.clear()

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data):
        job_id = self.some(data, sorted(self.jobs))
        job = self.jobs[job_id]
        if job.state == JobState.RUNNING:
            job.end_queued()
            job.state = JobState.CANCELLING
            job.settle()
        with self.desk.engine.begin() as connection:
            assert cancel(connection, job_id) == job.state

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def retry(self, data):
        job_id = self.some(data, sorted(self.jobs))
        job = self.jobs[job_id]
        if job.state not in {JobState.FAILED, JobState.CANCELLED}:
            with pytest.raises(Conflict), self.desk.engine.begin() as connection:
                retry(connection, job_id)
            return
        with self.desk.engine.begin() as connection:
            retry(connection, job_id)
        job.state = JobState.RUNNING
        for block in job.having(BlockState.FAILED) + job.having(BlockState.CANCELLED):
            job.blocks[block] = BlockState.READY
            job.attempts[block] = 0

    @invariant()
    def states_agree(self):
        blocks = {row.id: row.state for row in self.desk.sql("select id, state from blocks")}
        assert blocks == {block: state for job in self.jobs.values() for block, state in job.blocks.items()}
        jobs = self.desk.sql("select id, state, blocks_done, finished_at from jobs")
        assert {row.id: row.state for row in jobs} == {job_id: job.state for job_id, job in self.jobs.items()}
        for row in jobs:
            assert row.blocks_done == len(self.jobs[row.id].having(BlockState.DONE))
            assert (row.finished_at is not None) == (row.state in ENDED)

    def planned(self, job_id, *limits):
        ids = [block.id for block in self.desk.blocks(job_id)]
        self.jobs[job_id] = ModelJob(dict.fromkeys(ids, BlockState.READY), limits)

    def running(self):
        """How many blocks run under each limit."""
        counts = Counter()
        for job in self.jobs.values():
            counts.update(dict.fromkeys(job.limits, len(job.having(BlockState.RUNNING))))
        return counts

    def startable(self, limit):
        """The oldest ready blocks, each taken if no limit forbids it."""
        counts, found = self.running(), []
        ready = ((block, job) for job in self.jobs.values() for block in job.having(BlockState.READY))
        for block, job in sorted(ready, key=lambda pair: pair[0]):
            free = all(self.most.get(name) is None or counts[name] < self.most[name] for name in job.limits)
            if free and len(found) < limit:
                found.append(block)
                counts.update(job.limits)
        return found

    @invariant()
    def no_limit_of_a_job_or_sweep_is_exceeded(self):
        rows = self.desk.sql("""
            select coalesce('sweep ' || j.sweep_id, 'job ' || j.id) as name, count(*) as running
            from blocks b join jobs j on j.id = b.job_id where b.state = 'running' group by 1
        """)
        assert all(self.most[row.name] is None or row.running <= self.most[row.name] for row in rows)

    def release(self, claim):
        """Whether the claim still holds its block; it does not afterwards."""
        held = self.held.get(claim.block_id) == claim.token
        if held:
            del self.held[claim.block_id]
        return held


def test_the_queue_does_what_the_model_does(desk):
    machine = type("Machine", (QueueMachine,), {"desk": desk})
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=20, stateful_step_count=25, database=None, suppress_health_check=checks),
    )
