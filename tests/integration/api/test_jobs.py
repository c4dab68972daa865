import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from schemas.api import JobDetail, Submitted


def diagnostic(seconds: float, **fields: object) -> dict[str, object]:
    """A submission; `seconds` makes its spec one of a kind."""
    return {"spec": {"kind": "diagnostic", "blocks": 3, "seconds": seconds}, **fields}


def submit(client: httpx2.Client, body: dict[str, object], **headers: str) -> Submitted:
    answer = client.post("/v1/jobs", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    submitted = Submitted.model_validate_json(answer.content)
    assert submitted.created == (answer.status_code == 201)
    return submitted


def test_the_same_spec_is_the_same_job_unless_fresh(client: httpx2.Client) -> None:
    first = submit(client, diagnostic(1.01, name="first"))
    assert first.created
    again = submit(client, diagnostic(1.01, priority=5))
    assert (again.job.id, again.created) == (first.job.id, False)
    fresh = submit(client, diagnostic(1.01, fresh=True))
    assert fresh.created
    assert fresh.job.id != first.job.id


def test_one_job_from_eight_threads_at_once(api) -> None:
    barrier = threading.Barrier(8)

    def one(_: int) -> Submitted:
        with api.client("submit") as client:
            barrier.wait()
            return submit(client, diagnostic(1.02))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert len({answer.job.id for answer in answers}) == 1
    assert sum(answer.created for answer in answers) == 1


def test_an_idempotency_key_makes_one_fresh_job_from_eight_threads(api) -> None:
    barrier = threading.Barrier(8)
    with api.client("submit") as client:

        def one(_: int) -> Submitted:
            barrier.wait()
            return submit(client, diagnostic(1.03, fresh=True), **{"Idempotency-Key": "key-1"})

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(one, range(8)))
    assert len({answer.job.id for answer in answers}) == 1
    assert sum(answer.created for answer in answers) == 1


def test_a_key_cannot_name_two_submissions(client: httpx2.Client, problem) -> None:
    headers = {"Idempotency-Key": "key-2"}
    submit(client, diagnostic(1.04), **headers)
    answer = client.post("/v1/jobs", json=diagnostic(1.05), headers=headers)
    body = problem(answer, 409)
    assert body.type == "holonomy:idempotency_key_reused"
    assert "another submission" in body.detail
    assert (
        "idempotency-key" in problem(client.post("/v1/jobs", json={}, headers={"Idempotency-Key": "a b"}), 422).detail
    )


def test_a_job_is_shown_with_its_spec(client: httpx2.Client, problem) -> None:
    job = submit(client, diagnostic(1.06, name="shown")).job
    detail = JobDetail.model_validate_json(client.get(f"/v1/jobs/{job.id}").content)
    assert detail.spec.kind == "diagnostic"
    assert detail.name == "shown"
    assert detail.version
    assert "there is no job 99999999" in problem(client.get("/v1/jobs/99999999"), 404).detail
    assert "job_id: expected" in problem(client.get("/v1/jobs/latest"), 422).detail
    problem(client.get(f"/v1/jobs/{2**63}"), 422)


def test_pages_are_stable_while_jobs_arrive(client: httpx2.Client) -> None:
    there = [submit(client, diagnostic(2 + n / 100, name="paged")).job.id for n in range(7)]
    seen: list[int] = []
    cursor: dict[str, str] = {}
    late = 0
    while True:
        page = client.get("/v1/jobs", params={"name": "paged", "limit": 3, **cursor}).json()
        seen += [item["id"] for item in page["items"]]
        late += 1
        submit(client, diagnostic(3 + late / 100, name="paged"))
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == there[::-1]


def test_jobs_are_filtered(client: httpx2.Client, problem) -> None:
    job = submit(client, diagnostic(1.07, name="filtered")).job
    for query in ({"state": "queued"}, {"kind": "diagnostic"}, {}):
        found = client.get("/v1/jobs", params={"name": "filtered", **query}).json()["items"]
        assert [item["id"] for item in found] == [job.id]
    for query in ({"state": "done"}, {"kind": "training"}):
        assert client.get("/v1/jobs", params={"name": "filtered", **query}).json()["items"] == []
    assert "state: expected 'queued', 'running'" in problem(client.get("/v1/jobs?state=lost"), 422).detail
    assert "not one of this list" in problem(client.get("/v1/jobs?cursor=abc"), 422).detail
    assert "limit: expected" in problem(client.get("/v1/jobs?limit=0"), 422).detail


def test_a_job_runs_is_logged_cancelled_and_retried(client: httpx2.Client, worker, problem) -> None:
    job = submit(client, diagnostic(1.08)).job
    path = f"/v1/jobs/{job.id}"
    worker.run(job.id, leave=2)
    blocks = client.get(f"{path}/blocks", params={"limit": 2}).json()
    assert len(blocks["items"]) == 2
    rest = client.get(f"{path}/blocks", params={"cursor": blocks["next"]}).json()
    assert [block["seq"] for block in blocks["items"] + rest["items"]] == [0, 1, 2]
    done = client.get(f"{path}/blocks", params={"state": "done"}).json()["items"]
    assert [block["state"] for block in done] == ["done"]

    cancelled = client.post(f"{path}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel").json() == cancelled.json()
    assert client.post(f"{path}/retry").json()["state"] == "running"
    answer = problem(client.post(f"{path}/retry"), 409)
    assert answer.type == "holonomy:not_retryable"
    worker.run(job.id)
    assert client.get(path).json()["state"] == "done"

    events = client.get(f"{path}/events").json()["items"]
    assert "cancel" in " ".join(event["message"] for event in events)
    later = client.get(f"{path}/events", params={"after": events[0]["id"], "limit": 1}).json()
    assert later["items"] == [events[1]]
    assert later["next"] == str(events[1]["id"])


@pytest.mark.parametrize("path", ["", "/blocks", "/events", "/objects", "/progress", "/tables/pairs", "/objects/x"])
def test_parts_of_a_job_that_is_not_there(client: httpx2.Client, problem, path: str) -> None:
    assert "there is no job 77777777" in problem(client.get(f"/v1/jobs/77777777{path}"), 404).detail


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_actions_on_a_job_that_is_not_there(client: httpx2.Client, problem, action: str) -> None:
    assert "there is no job 77777777" in problem(client.post(f"/v1/jobs/77777777/{action}"), 404).detail


@pytest.mark.parametrize("scope", [(), ("read",)])
def test_submitting_needs_its_scope(api, problem, scope: tuple[str, ...]) -> None:
    with api.client(*scope) as client:
        for path in ("/v1/jobs", "/v1/jobs/1/cancel", "/v1/jobs/1/retry"):
            problem(client.post(path, json=diagnostic(1.09)), 403 if scope else 401)
