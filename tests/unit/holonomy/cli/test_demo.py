"""`holonomy demo` against a service; with the embedded stack it runs in the acceptance tests."""

from typing import Any

import pytest

from holonomy import Client
from holonomy.handle import JobHandle
from holonomy.presets import digits_brackets
from schemas.states import JobState
from tests.support.fake_service import World

Command = Any


@pytest.mark.parametrize(
    ("state", "said"), [(JobState.DONE, "has computed this before"), (JobState.CANCELLED, "goes on where it was")]
)
def test_what_an_earlier_demo_left_is_told_as_it_is(
    command: Command, client: Client, world: World, monkeypatch: pytest.MonkeyPatch, state: JobState, said: str
) -> None:
    job = client.submit(digits_brackets())
    monkeypatch.setattr(JobHandle, "retry", lambda handle: world.move(handle.id, JobState.DONE))
    world.move(job.id, state)
    assert f"job {job.id} {said}" in command("demo").stderr
