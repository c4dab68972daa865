"""Bars for jobs, as a terminal shows them."""

import io

import pytest
from rich.console import Console

from holonomy import Brackets, Client, Diagnostic, Training
from holonomy.follow import Deadline, Patience
from holonomy.progress import JobBars, show_until_done
from schemas.states import JobState
from tests.support.fake_service import World


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_parents_stand_above_a_job_that_waits_for_them(client: Client, world: World, terminal: Console) -> None:
    training = Training(steps=1)
    parent = client.submit(training)
    job = client.submit(Brackets(training=training, examples=range(2)))
    world.jobs[job.id] = world.jobs[job.id].model_copy(update={"parents": (parent.id,)})
    waiting = job.status()
    world.progress(parent.id, 2, 2)
    world.move(parent.id, JobState.DONE)
    world.progress(job.id, 3, 3)
    world.move(job.id, JobState.DONE)
    final = show_until_done(client._connection, waiting, Patience(), terminal)
    assert final.state == "done"
    above, below = [line for line in shown(terminal).splitlines() if "━" in line][-2:]
    assert f"training {parent.id}" in above
    assert "2/2" in above
    assert f"brackets {job.id}" in below
    assert "3/3" in below


def test_a_child_that_is_cancelled_no_longer_waits(client: Client, world: World, terminal: Console) -> None:
    training = Training(steps=1)
    parent = client.submit(training)
    job = client.submit(Brackets(training=training, examples=range(2)))
    world.jobs[job.id] = world.jobs[job.id].model_copy(update={"parents": (parent.id,)})
    waiting = job.status()
    job.cancel()
    patience = Patience(Deadline(30))
    assert show_until_done(client._connection, waiting, patience, terminal).state == "cancelled"


def test_reasons_and_outages_stand_beside_the_bar(client: Client, world: World, terminal: Console) -> None:
    job = client.submit(Diagnostic())
    world.move(job.id, JobState.RUNNING, reason="no GPU worker [cuda]")
    with JobBars(terminal) as bars:
        bars.show(job.status())
        bars.refresh()
        bars.outage("no answer")
    assert "running: no GPU worker [cuda]" in shown(terminal)
    assert "waiting for the service: no answer" in shown(terminal)


def test_a_name_is_whole_beside_a_long_reason(client: Client, world: World) -> None:
    narrow = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    job = client.submit(Diagnostic())
    world.move(job.id, JobState.RUNNING, reason="retry 2 of 3 in 14 s: " + "the bucket does not answer " * 5)
    with JobBars(narrow) as bars:
        bars.show(job.status())
        bars.refresh()
    assert f"diagnostic {job.id} " in shown(narrow)


def test_why_a_job_failed_is_left_to_the_error(client: Client, world: World, terminal: Console) -> None:
    job = client.submit(Diagnostic())
    world.fail(job.id, "the loss must stay finite")
    with JobBars(terminal) as bars:
        bars.show(job.status())
        bars.refresh()
    assert "failed" in shown(terminal)
    assert "finite" not in shown(terminal)
