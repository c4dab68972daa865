"""Projects over the API and by the client."""

from collections.abc import Iterator

import pytest

from holonomy import Client, NotFound, Refused, Unauthorized
from tests.support.contracts_client import any_name


@pytest.fixture
def client(api) -> Iterator[Client]:
    with Client(api.url, api.token("submit")) as made:
        yield made


def test_limits_are_set_and_seen(api, client: Client) -> None:
    name = any_name()
    made = client.projects.set(name, max_running_jobs=2)
    assert (made.name, made.max_running_jobs, made.max_running_blocks) == (name, 2, None)
    with api.client("submit") as submitter:
        body = {"spec": {"kind": "diagnostic"}, "project": name, "fresh": True}
        assert submitter.post("/v1/jobs", json=body).status_code == 201
    assert client.projects.get(name).queued_jobs == 1
    assert client.projects.set(name, max_running_blocks=5).max_running_jobs is None
    assert [one.max_running_blocks for one in client.projects.list() if one.name == name] == [5]


def test_what_is_no_project_is_refused(client: Client) -> None:
    with pytest.raises(NotFound, match="there is no project `nobody-named-it`"):
        client.projects.get("nobody-named-it")
    with pytest.raises(Refused, match="the name of a project is up to 100 letters"):
        client.projects.set("a/b")
    with pytest.raises(Refused, match="max_running_blocks: expected greater than or equal to 1; came 0"):
        client.projects.set("p", max_running_blocks=0)


def test_readers_set_no_limits(api) -> None:
    with Client(api.url, api.token("read")) as reader:
        assert reader.projects.get("default").name == "default"
        with pytest.raises(Unauthorized, match="submit"):
            reader.projects.set("default", max_running_jobs=1)


def test_the_service_checks_as_well(api, problem) -> None:
    with api.client("submit") as submitter:
        assert "name" in problem(submitter.put("/v1/projects/.hidden", json={}), 422).detail
        assert (
            "max_running_jobs" in problem(submitter.put("/v1/projects/p", json={"max_running_jobs": -1}), 422).detail
        )
        assert "most" in problem(submitter.put("/v1/projects/p", json={"most": 1}), 422).detail
