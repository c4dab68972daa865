"""Following a job through broken streams, missing streams and restarts of the service."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from holonomy import Client, Diagnostic, JobFailed, Unreachable
from holonomy.follow import Patience, follow, job_events
from schemas.states import JobState
from tests.support.fake_service import TOKEN, World, fake_service


def later(*moves: Callable[[], object], seconds: float = 0.15) -> threading.Thread:
    """Do one thing after the other, a pause before each."""

    def run() -> None:
        for move in moves:
            time.sleep(seconds)
            move()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_every_change_is_heard_and_the_end_ends_it(client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    thread = later(
        lambda: world.progress(job.id, 0, 2),
        lambda: world.progress(job.id, 1, 2),
        lambda: world.move(job.id, JobState.DONE),
    )
    heard = [(seen.state, seen.progress.done) for seen in follow(client._connection, job.id)]
    thread.join()
    assert list(dict.fromkeys(heard)) == [("queued", 0), ("running", 0), ("running", 1), ("done", 1)]


def test_a_stream_that_breaks_is_opened_again(client: Client, world: World) -> None:
    world.cut_after_events = 1
    job = client.submit(Diagnostic())
    thread = later(lambda: world.progress(job.id, 1, 2), lambda: world.move(job.id, JobState.DONE), seconds=0.4)
    states = [seen.state for seen in follow(client._connection, job.id)]
    thread.join()
    assert states[-1] == "done"
    assert sum("progress" in request for request in world.requests) > 2


def test_without_events_the_job_is_looked_at(client: Client, world: World) -> None:
    world.streams = False
    job = client.submit(Diagnostic())
    thread = later(lambda: world.fail(job.id, "the loss is NaN at step 7"))
    with pytest.raises(JobFailed, match=rf"job {job.id} failed: the loss is NaN at step 7"):
        job.wait(progress=False)
    thread.join()
    assert sum("progress" in request for request in world.requests) == 1


def test_following_survives_a_restart_of_the_service(world: World) -> None:
    outages = list[str]()
    with ThreadPoolExecutor(1) as pool:
        with fake_service(world) as first:
            client = Client(first.url, TOKEN)
            job = client.submit(Diagnostic())
            followed = pool.submit(lambda: list(follow(client._connection, job.id, None, outages.append)))
            time.sleep(0.3)
        time.sleep(0.5)
        world.move(job.id, JobState.DONE)
        with fake_service(world, int(first.url.rsplit(":", 1)[1])):
            assert followed.result(20)[-1].state == "done"
    assert any("no Holonomy service answers" in reason for reason in outages)


def test_a_service_that_stays_away_is_given_up(world: World) -> None:
    with fake_service(world) as running:
        client = Client(running.url, TOKEN)
        job = client.submit(Diagnostic())
        events = follow(client._connection, job.id, Patience(outage_seconds=0.2))
        next(events)
    with pytest.raises(Unreachable, match="no Holonomy service answers"):
        list(events)


def test_events_of_a_stream_are_told_from_comments_and_others() -> None:
    lines = [": alive", "", "event: job", "data: {", "data:  }", "", "event: other", "data: x", "", "event: job", ""]
    assert list(job_events(iter(lines))) == [None, "{\n }"]
