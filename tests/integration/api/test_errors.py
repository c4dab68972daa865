"""Every error is problem+json with one line and the request's id."""

import re

import httpx2
import pytest


def test_unknown_path(client: httpx2.Client, problem) -> None:
    assert "/v1/nothing" in problem(client.get("/v1/nothing"), 404).detail


def test_wrong_method(client: httpx2.Client, problem) -> None:
    answer = client.put("/v1/tokens")
    assert problem(answer, 405).detail == "PUT does not work on /v1/tokens; allowed: GET, POST"
    assert answer.headers["allow"] == "GET, POST"


def test_a_sane_request_id_is_kept(client: httpx2.Client) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "my-request-7"}).headers["x-request-id"] == "my-request-7"


@pytest.mark.parametrize("strange", ["short", "x" * 129, "a b c d e f g", "<script>alert(1)</script>"])
def test_a_strange_request_id_is_replaced(client: httpx2.Client, strange: str) -> None:
    given = client.get("/healthz", headers={"X-Request-Id": strange}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", given)


@pytest.mark.parametrize(
    "path", ["/v1/jobs?name=a%00b", "/v1/jobs/1/objects/a%00b", "/v1/jobs/1/tables/pairs?columns=%00"]
)
def test_nul_in_an_address(client: httpx2.Client, problem, path: str) -> None:
    assert "NUL" in problem(client.get(path), 422).detail
