"""Retries, and errors made from answers."""

import time

import pytest

from holonomy import Client, Diagnostic, NotFound, NotStored, Refused, ServiceFault, Unreachable
from holonomy.connection import Connection, Retries
from schemas.api import ServiceStatus
from tests.support.fake_service import Answer, FakeService, World


def test_a_repeatable_call_survives_a_service_that_is_away_for_a_moment(client: Client, world: World) -> None:
    world.failures = [Answer(503, "the database does not answer") for _ in range(3)]
    assert client.status().version == "0"
    assert len(world.requests) == 4


def test_retry_after_is_honoured(client: Client, world: World) -> None:
    world.failures = [Answer(503, "busy", headers={"Retry-After": "0.7"})]
    start = time.monotonic()
    client.status()
    assert time.monotonic() - start >= 0.7


def test_a_submission_is_repeated_under_one_key(client: Client, world: World) -> None:
    world.failures = [Answer(503, "busy")]
    assert client.submit(Diagnostic()).id == 1
    assert [request for request in world.requests if request.startswith("POST")] == ["POST /v1/jobs"] * 2
    assert len(world.jobs) == 1


def test_a_call_that_may_not_be_repeated_is_not(client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    job.cancel()
    world.failures = [Answer(503, "the database does not answer")]
    with pytest.raises(Unreachable, match="the database does not answer"):
        job.retry()


def test_retries_come_to_an_end(client: Client, world: World) -> None:
    world.failures = [Answer(503, "busy") for _ in range(10)]
    with pytest.raises(Unreachable, match=r"busy \[request req-1\]"):
        client.status()
    assert len(world.requests) == Retries().attempts


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "malformed", Refused),
        (404, "not_found", NotFound),
        (404, "not_stored", NotStored),
        (409, "conflict", Refused),
        (413, "too_large", Refused),
        (422, "invalid", Refused),
        (500, "internal", ServiceFault),
    ],
)
def test_problems_become_errors(client: Client, world: World, status: int, code: str, error: type[Exception]) -> None:
    world.failures = [Answer(status, "what was wrong", code)]
    with pytest.raises(error, match="what was wrong"):
        client.status()


def test_an_answer_of_another_version_is_explained(client: Client, service: FakeService) -> None:
    class Other(ServiceStatus):
        something_new: int

    with pytest.raises(ServiceFault, match=r"something_new: Field required.*same version"):
        Connection(client._connection.transport).get("/v1/status", Other)


def test_pauses_grow_and_are_bounded() -> None:
    retries = Retries()
    assert 0.1 <= retries.pause_seconds(1, None) <= 0.2
    assert 2.5 <= retries.pause_seconds(20, None) <= 5.0
    assert retries.pause_seconds(1, 3.0) == 3.0
    assert retries.pause_seconds(1, 10**6) == 30.0
