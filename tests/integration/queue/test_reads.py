"""Pages, logs, manifests, tokens and the status, as the API reads them."""

import pytest

from schemas.diagnostic import Diagnostic
from schemas.states import BlockState, JobState
from service.errors import Missing
from service.queue import history, jobs, tokens
from service.queue.status import status


def test_pages_of_jobs_newest_first(desk):
    ids = [desk.submit(Diagnostic(), fresh=True, name="odd" if k % 2 else "even") for k in range(5)]
    with desk.engine.connect() as connection:
        first = jobs.page(connection, limit=2)
        second = jobs.page(connection, limit=2, cursor=int(first.next))
        third = jobs.page(connection, limit=2, cursor=int(second.next))
        named = jobs.page(connection, name="odd", state=JobState.QUEUED, kind="diagnostic")
        none = jobs.page(connection, kind="training")
    assert [job.id for page in (first, second, third) for job in page.items] == ids[::-1]
    assert third.next is None
    assert [job.id for job in named.items] == [ids[3], ids[1]]
    assert none.items == ()


def test_progress_counts_blocks_by_state(desk):
    job_id = desk.start(Diagnostic(blocks=10))
    claimed = desk.claim(5)
    desk.commit(desk.done(claimed[0]), desk.done(claimed[1]), desk.broken(claimed[2], "internal"))
    progress = desk.job(job_id).progress
    assert progress.model_dump() == {"total": 10, "done": 2, "running": 2, "ready": 6, "waiting": 0, "failed": 0}


def test_details_hold_the_spec(desk):
    job_id = desk.submit(Diagnostic(blocks=3))
    with desk.engine.connect() as connection:
        detail = jobs.detail(connection, job_id)
    assert (detail.spec, detail.version) == (Diagnostic(blocks=3), "0")


def test_pages_of_blocks_and_log_lines(desk):
    job_id = desk.start(Diagnostic(blocks=5))
    [block, *_] = desk.claim()
    desk.commit(desk.done(block, log=({"message": "hello", "level": "warning", "data": {"a": 1}},)))
    with desk.engine.connect() as connection:
        first = history.blocks(connection, job_id, limit=3)
        rest = history.blocks(connection, job_id, limit=3, cursor=int(first.next))
        running = history.blocks(connection, job_id, state=BlockState.RUNNING)
        lines = history.events(connection, job_id, limit=2)
        later = history.events(connection, job_id, after=int(lines.next))
    assert [block.seq for block in (*first.items, *rest.items)] == list(range(5))
    assert len(running.items) == 4
    assert [line.message for line in lines.items] == ["diagnostic submitted by tester", "planned 5 blocks"]
    assert [(line.message, line.level, line.data, line.block_id) for line in later.items] == [
        ("hello", "warning", {"a": 1}, block.block_id)
    ]


def test_objects(desk):
    job_id = desk.start(Diagnostic())
    [block] = desk.claim()
    desk.commit(desk.done(block, "diagnostic/0"))
    with desk.engine.connect() as connection:
        manifest = history.manifest(connection, job_id)
        assert history.named_object(connection, job_id, "diagnostic/0") == manifest.objects[0]
        with pytest.raises(Missing, match="job 1 has no object `nothing`"):
            history.named_object(connection, job_id, "nothing")
        with pytest.raises(Missing, match="there is no job 77"):
            history.events(connection, 77)
        with pytest.raises(Missing, match="there is no job 77"):
            jobs.job(connection, 77)
    assert manifest.objects[0].key.endswith("/1-1")


def test_status_counts_what_is_open(desk):
    desk.beat()
    desk.start(Diagnostic(blocks=3))
    desk.claim(1)
    desk.sql("update blocks set ready_at = now() - interval '5 seconds' where state = 'ready'")
    with desk.engine.connect() as connection:
        now = status(connection, version="1", bucket="b", database="d")
    assert now.jobs == {"running": 1}
    assert now.blocks == {"ready": 2, "running": 1, "waiting": 0}
    assert now.oldest_ready_seconds >= 5
    assert [(one.id, one.alive, one.slots) for one in now.dispatchers] == [("one", True, {"cpu": 2, "cuda": 0})]


def test_tokens_are_found_by_secret_until_revoked(desk):
    with desk.engine.begin() as connection:
        made = tokens.create(connection, "ada", ["read", "submit"])
        assert tokens.find(connection, made.token).scopes == ("read", "submit")
        assert tokens.find(connection, made.token + "x") is None
        assert tokens.revoke(connection, made.id).revoked_at is not None
        assert tokens.find(connection, made.token) is None
        assert [token.name for token in tokens.listed(connection)] == ["ada"]
        with pytest.raises(Missing, match="there is no token 9"):
            tokens.revoke(connection, 9)
        again = tokens.create(connection, "ada", ["read"], secret=made.token)
        assert (again.id, tokens.find(connection, made.token).scopes) == (made.id, ("read",))
    assert made.token not in str(desk.sql("select * from tokens"))
