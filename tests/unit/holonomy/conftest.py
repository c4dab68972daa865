"""A client of a small service on a real socket."""

from collections.abc import Iterator

import pytest

from holonomy import Client
from tests.support.fake_service import TOKEN, FakeService, World, fake_service


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def service(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """A running fake, to which the environment points."""
    with fake_service(world) as running:
        monkeypatch.setenv("HOLONOMY_URL", running.url)
        monkeypatch.setenv("HOLONOMY_TOKEN", TOKEN)
        yield running


@pytest.fixture
def client(service: FakeService) -> Iterator[Client]:
    with Client() as made:
        yield made
