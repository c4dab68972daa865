"""The state of one network out of that of its group."""

import httpx2
import numpy as np
import pytest
from safetensors.numpy import load

SPEC = {
    "kind": "replicas",
    "training": {"steps": 10, "checkpoints": [0]},
    "arms": [{"replicas": 5, "perturbations": [{"kind": "gaussian", "epsilon": 0.1, "scale": "global"}]}],
    "group_size": 2,
}


@pytest.fixture(scope="module")
def client(api):
    with api.client("read", "submit") as made:
        yield made


@pytest.fixture(scope="module")
def job(client: httpx2.Client, worker) -> int:
    number: int = client.post("/v1/jobs", json={"spec": SPEC}).json()["job"]["id"]
    worker.run(number)
    return number


@pytest.mark.parametrize(("replica", "number"), [(None, 1_000), (-1, -1), (-3, -3), *((n, n) for n in range(5))])
@pytest.mark.parametrize("step", [0, 10])
def test_a_member_comes_alone(client: httpx2.Client, job: int, worker, step: int, replica: int | None, number: int):
    asked = {"step": step} | ({} if replica is None else {"replica": replica})
    answer = client.get(f"/v1/jobs/{job}/arrays/member", params=asked)
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = load(answer.content)
    assert found.keys() == {"parameters/w", "steps_taken"}
    np.testing.assert_array_equal(found["parameters/w"], worker.member(step, number))
    assert found["steps_taken"] == step


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"step": 0, "replica": 5}, "has no replica 5: it has 0 to 4, and a twin, numbered −1 − g, for each group g"),
        ({"step": 0, "replica": -4}, "has no replica -4"),
        ({"step": 7}, "saves steps 0, 10, not 7: put it into `training.checkpoints`"),
    ],
)
def test_members_that_are_not_there(client: httpx2.Client, job: int, problem, asked: dict, detail: str):
    assert detail in problem(client.get(f"/v1/jobs/{job}/arrays/member", params=asked), 404).detail


def test_members_that_are_not_there_yet(client: httpx2.Client, problem, worker):
    number = client.post("/v1/jobs", json={"spec": SPEC | {"seed": 1}}).json()["job"]["id"]
    path = f"/v1/jobs/{number}/arrays/member"
    answer = client.get(path, params={"step": 10})
    assert "nothing of it has been planned yet: wait until it runs" in problem(answer, 404).detail
    worker.run(number, leave=3)
    assert load(client.get(path, params={"step": 0}).content)["steps_taken"] == 0
    answer = client.get(path, params={"step": 10, "replica": 4})
    assert "is running and has not saved step 10: wait until it is done" in problem(answer, 404).detail


def test_other_jobs_have_no_members(client: httpx2.Client, problem):
    number = client.post("/v1/jobs", json={"spec": {"kind": "diagnostic"}}).json()["job"]["id"]
    answer = client.get(f"/v1/jobs/{number}/arrays/member", params={"step": 0})
    assert f"job {number} is a diagnostic job: only replica jobs have members" in problem(answer, 404).detail
