"""Schemathesis sends what the OpenAPI document allows, and what it does not: no 5xx, and answers as documented."""

from collections.abc import Iterator

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from service.api.openapi import document

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    unsupported_method,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
]

# The cases that cover each keyword once are thousands where a body holds a sweep, which holds any job spec; those are
# covered at /v1/jobs.
CONFIG = schemathesis.Config.from_dict(
    {
        "operations": [
            {"include-path-regex": "^/v1/(sweeps|schedules|imports)", "phases": {"coverage": {"enabled": False}}}
        ]
    }
)
# The stream of a job's progress lasts as long as the job: test_results.py follows one to its end.
schema = schemathesis.openapi.from_dict(document(), config=CONFIG).exclude(path="/v1/jobs/{job_id}/progress")


@pytest.fixture(scope="module")
def admin(api) -> Iterator[str]:
    yield api.token("admin")
    # Of the jobs that came up, one may have half a million blocks: the tests after these would plan and run them.
    with api.client("submit") as client:
        for job in client.get("/v1/jobs", params={"limit": 500}).json()["items"]:
            client.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()


@schema.parametrize()
@hypothesis.settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_route_answers_as_documented(case: schemathesis.Case, api, admin: str) -> None:
    case.call_and_validate(base_url=api.url, headers={"Authorization": f"Bearer {admin}"}, checks=CHECKS)
