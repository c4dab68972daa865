"""The client against a small service on a real socket."""

import pytest

from holonomy import Client, Diagnostic, Refused, Training, Unauthorized, Unconfigured, Unreachable
from tests.support.contracts_client import ClientContract
from tests.support.fake_service import FakeService, World


class TestContract(ClientContract):
    """The shared contract."""


def test_a_wrong_token_is_said_to_be_wrong(service: FakeService) -> None:
    with pytest.raises(Unauthorized, match=r"no such token: set HOLONOMY_TOKEN$"):
        Client(service.url, "wrong").status()


def test_arguments_are_checked_before_they_are_sent(client: Client, world: World) -> None:
    with pytest.raises(Refused, match="priority: expected less than or equal to 100; came"):
        client.submit(Diagnostic(), priority=1000)
    assert world.requests == []


def test_an_address_must_be_one() -> None:
    with pytest.raises(Unconfigured, match="the address of the service is http://HOST:PORT"):
        Client("127.0.0.1:80", "x")


def test_a_token_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLONOMY_URL", raising=False)
    with pytest.raises(Unconfigured, match="without an address"):
        Client(token="x")


def test_nobody_listens(service: FakeService) -> None:
    with pytest.raises(Unreachable, match=r"no Holonomy service answers at http://127\.0\.0\.1:1 "):
        Client("http://127.0.0.1:1", "x").status()


def test_a_training_run_and_its_twin_in_a_bracket_job_are_told_apart_by_digest(client: Client) -> None:
    runs = {client.submit(Training(steps=1, seed=seed)).id for seed in (1, 2, 1)}
    assert len(runs) == 2
