import json

import pytest
from starlette.exceptions import HTTPException

from schemas.nearest import did_you_mean, unknown
from service.api import problems
from service.api.problems import ProblemError


def test_a_detail_is_one_line_and_bounded() -> None:
    assert ProblemError("invalid", "a\n  b\tc").detail == "a b c"
    assert len(ProblemError("invalid", "x" * 10_000).detail) == problems.LONGEST_DETAIL


def test_the_answer_is_problem_json() -> None:
    answer = problems.response(problems.unavailable("the database is away"), "request-1")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert json.loads(bytes(answer.body)) == {
        "type": "holonomy:unavailable",
        "title": "Temporarily unavailable",
        "status": 503,
        "detail": "the database is away",
        "request_id": "request-1",
        "errors": [],
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not_found"), (405, "method_not_allowed"), (400, "malformed"), (418, "malformed"), (507, "internal")],
)
def test_the_frameworks_errors_are_put_in_our_words(status: int, code: str) -> None:
    assert problems.from_http(HTTPException(status, "text"), "GET", "/x").code == code


def test_a_wrong_method_names_the_right_ones() -> None:
    error = problems.from_http(HTTPException(405, headers={"Allow": "GET"}), "PUT", "/v1/jobs/3")
    assert error.detail == "PUT does not work on /v1/jobs/3; allowed: GET"
    assert error.headers == {"Allow": "GET"}


def test_the_nearest_name_is_offered_when_it_is_near() -> None:
    assert did_you_mean("brackts", ["training", "brackets"]) == "; did you mean 'brackets'?"
    assert did_you_mean("SGD", ["sgd", "adam"]) == "; did you mean 'sgd'?"
    assert (
        unknown("kind", "zzz", ["training", "brackets"]) == "unknown kind 'zzz': expected one of training, brackets"
    )
