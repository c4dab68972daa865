import pytest

from schemas.sweep_bodies import SubmittedSweep, SweepDetail, SweepJobPage, SweepPage, SweepPreview


def sweep(*seconds: float, **fields: object) -> dict[str, object]:
    """A submission of diagnostics; `seconds` make its specs ones of a kind."""
    base = {"kind": "diagnostic", "blocks": 2, "seconds": 0.0}
    return {"sweep": {"kind": "sweep", "base": base, "axes": {"seconds": list(seconds)}}, **fields}


def submit(client, body, **headers: str) -> SubmittedSweep:
    answer = client.post("/v1/sweeps", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    found = SubmittedSweep.model_validate_json(answer.content)
    assert found.created == (answer.status_code == 201)
    return found


def test_a_sweep_is_submitted_once_and_shown_with_its_jobs(client) -> None:
    made = submit(client, sweep(7.01, 7.02, 7.03, name="rates", project="ablations", tags=["x"]))
    assert (made.created, made.jobs_created, made.sweep.jobs_total) == (True, 3, 3)
    again = submit(client, sweep(7.01, 7.02, 7.03))
    assert (again.sweep.id, again.created) == (made.sweep.id, False)
    shown = SweepDetail.model_validate_json(client.get(f"/v1/sweeps/{made.sweep.id}").content)
    assert (shown.name, shown.project, shown.tags) == ("rates", "ablations", ("x",))
    assert sum(shown.jobs.values()) == 3
    first = SweepJobPage.model_validate_json(client.get(f"/v1/sweeps/{made.sweep.id}/jobs?limit=2").content)
    rest = SweepJobPage.model_validate_json(
        client.get(f"/v1/sweeps/{made.sweep.id}/jobs", params={"cursor": first.next}).content
    )
    assert [one.varied["seconds"] for one in (*first.items, *rest.items)] == [7.01, 7.02, 7.03]
    listed = client.get("/v1/jobs", params={"project": "ablations", "tag": "x"}).json()["items"]
    assert {one["id"] for one in listed} == {one.job.id for one in (*first.items, *rest.items)}


def test_a_preview_tells_what_a_submission_would_do_and_stores_nothing(client, problem) -> None:
    body = sweep(7.21, 7.22, name="previewed")
    told = SweepPreview.model_validate_json(client.post("/v1/sweeps/preview", json=body).content)
    assert (told.total, told.new, told.seconds) == (2, 2, pytest.approx(2 * (7.21 + 7.22)))
    assert client.get("/v1/sweeps?name=previewed").json()["items"] == []
    submit(client, body)
    again = SweepPreview.model_validate_json(client.post("/v1/sweeps/preview", json=body).content)
    assert (again.new, again.unfinished) == (0, 2)
    assert "axes" in problem(client.post("/v1/sweeps/preview", json=sweep()), 422).detail


def test_lists_of_sweeps_are_filtered_and_paged(client, problem) -> None:
    made = [submit(client, sweep(8.0 + k / 100, name="paged", tags=[f"t{k}"])).sweep.id for k in range(3)]
    page = SweepPage.model_validate_json(client.get("/v1/sweeps?name=paged&limit=2").content)
    assert [one.id for one in page.items] == made[:0:-1]
    rest = client.get("/v1/sweeps", params={"name": "paged", "cursor": page.next}).json()
    assert [one["id"] for one in rest["items"]] == made[:1]
    assert [one["id"] for one in client.get("/v1/sweeps?tag=t1").json()["items"]] == [made[1]]
    wrong = problem(client.get("/v1/jobs", params={"cursor": page.next}), 422)
    assert "is not one of this list" in wrong.detail


def test_a_sweep_is_cancelled_and_retried(client, problem) -> None:
    made = submit(client, sweep(9.01, 9.02))
    path = f"/v1/sweeps/{made.sweep.id}"
    cancelled = SweepDetail.model_validate_json(client.post(f"{path}/cancel").content)
    assert cancelled.jobs == {"cancelled": 2}
    retried = SweepDetail.model_validate_json(client.post(f"{path}/retry").content)
    assert retried.jobs == {"queued": 2}
    for action in ("cancel", "retry"):
        assert "there is no sweep 99999999" in problem(client.post(f"/v1/sweeps/99999999/{action}"), 404).detail


def test_a_key_makes_a_repeated_fresh_sweep_one(client, problem) -> None:
    first = submit(client, sweep(9.11, fresh=True), **{"Idempotency-Key": "s-1"})
    assert submit(client, sweep(9.11, fresh=True), **{"Idempotency-Key": "s-1"}).sweep.id == first.sweep.id
    other = client.post("/v1/sweeps", json=sweep(9.12), headers={"Idempotency-Key": "s-1"})
    assert problem(other, 409).type == "holonomy:idempotency_key_reused"


def test_a_bad_sweep_is_refused_in_one_line(client, problem) -> None:
    body = sweep(1.0)
    body["sweep"]["axes"] = {"secnods": [1]}
    answer = problem(client.post("/v1/sweeps", json=body), 422)
    assert "seconds" in answer.detail
    body["sweep"]["axes"] = {"blocks": list(range(1, 1001)), "seconds": [0.001 * k for k in range(1000)]}
    assert "1,000 × 1,000 = 1,000,000" in problem(client.post("/v1/sweeps", json=body), 422).detail


def test_reading_needs_a_token_and_submitting_its_scope(api, problem) -> None:
    with api.client("read") as reader:
        assert reader.get("/v1/sweeps").status_code == 200
        assert problem(reader.post("/v1/sweeps", json=sweep(9.2)), 403).type == "holonomy:forbidden"
