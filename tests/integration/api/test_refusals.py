"""Submissions that cannot be accepted: each answer says what was expected and what came."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

TRAINING = {"kind": "training", "steps": 10}
BRACKETS = {"kind": "brackets", "training": TRAINING, "examples": [1, 2, 3]}
LONG = {"kind": "first", "count": 1_400}
MANY_CHECKPOINTS = {"kind": "training", "steps": 1_000, "checkpoints": list(range(1, 1_001))}


@pytest.mark.parametrize(
    ("spec", "status", "detail"),
    [
        (
            {"kind": "brackts"},
            422,
            "unknown kind 'brackts': expected one of training, brackets, replicas, diagnostic; did you mean",
        ),
        ({**TRAINING, "modle": {}}, 422, "spec.modle: is not a field; expected kind, data, model,"),
        ({**TRAINING, "modle": {}}, 422, "did you mean 'model'?"),
        (
            {"kind": "brackets", "training": TRAINING, "examples": [1, 5000]},
            422,
            "index 5,000 but the train split has 1,437 examples",
        ),
        ({"kind": "brackets", "training": TRAINING, "examples": [4, 4]}, 422, "listed more than once: [4]"),
        (
            {"kind": "brackets", "training": TRAINING, "examples": [1, 2], "steps": [11]},
            422,
            "steps [11] are not checkpoints",
        ),
        ({**TRAINING, "checkpoints": [99]}, 422, "checkpoints [99] lie beyond the run's 10 steps"),
        ({"kind": "diagnostic", "blocks": 10**9}, 422, "1,000,000,000"),
        (
            {"kind": "brackets", "training": MANY_CHECKPOINTS, "examples": {"kind": "first", "count": 1_000}},
            422,
            "1,000 × 999 / 2 pairs × 1,000 checkpoints = 499,500,000",
        ),
        ({**BRACKETS, "batchnorm": "train"}, 422, "BatchNorm in train mode couples the examples of a batch"),
        ({**BRACKETS, "minibatches": [[1], [2, 1437]]}, 422, "minibatch 1 reaches index 1,437 but the train split"),
        (
            {**BRACKETS, "projections": [{"kind": "logit", "example": 0, "output": 10}]},
            422,
            "names output 10 but the model has 10, numbered 0 to 9",
        ),
        (
            {**BRACKETS, "projections": [{"kind": "saved", "job_id": 2**31 - 1, "object": "tiles/a"}]},
            404,
            "names job 2147483647, and there is none",
        ),
        (
            {**BRACKETS, "examples": LONG, "test_examples": {"kind": "first", "count": 360}, "logits": "all"}
            | {"training": {"kind": "training", "steps": 99, "checkpoints": list(range(100))}},
            422,
            "× 360 test examples × 10 outputs × 4 bytes = ",
        ),
        ({**BRACKETS, "logits": "all"}, 422, "logits are those of test examples: give test_examples"),
        ({**TRAINING, "data": {"kind": "idx", "digest": "a" * 64}}, 404, "no dataset of digest"),
        ({**TRAINING, "data": {"kind": "idx", "name": "nothing"}}, 404, "no dataset of name `nothing`"),
        (
            {**TRAINING, "model": {"kind": "mlp", "outputs": 3}},
            422,
            "the model has 3 outputs but digits has 10 labels",
        ),
        ({**TRAINING, "model": {"kind": "registry", "name": "m", "options": {"a": "\0"}}}, 422, "NUL"),
    ],
)
def test_a_spec_that_cannot_be_computed(
    client: httpx2.Client, problem, spec: dict[str, object], status: int, detail: str
) -> None:
    assert detail in problem(client.post("/v1/jobs", json={"spec": spec}), status).detail


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"{", 422, "body: is not JSON"),
        (b"", 422, "body: is required"),
        (b"\xff\xfe", 422, "body: is not JSON"),
        (b"[" * 100_000, 400, "expected JSON in UTF-8"),
        (b'{"spec": NaN}', 422, "spec: "),
        (
            b'{"spec": {"kind": "training", "steps": 1, "optimizer": {"kind": "sgd", "lr": NaN}}}',
            422,
            "spec.optimizer.lr",
        ),
        (b'{"spec": {"kind": "diagnostic"}, "name": "\\ud800"}', 422, "name: "),
    ],
)
def test_a_body_that_is_not_a_submission(
    client: httpx2.Client, problem, body: bytes, status: int, detail: str
) -> None:
    answer = client.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert detail in problem(answer, status).detail


def test_a_body_of_another_type(client: httpx2.Client, problem) -> None:
    problem(client.post("/v1/jobs", content=b"kind: training", headers={"Content-Type": "text/yaml"}), 422)


def test_a_hundred_megabytes_are_refused_at_once(client: httpx2.Client, problem) -> None:
    answer = client.post("/v1/jobs", content=b" " * 100_000_000)
    assert "up to 1,048,576 bytes here; 100,000,000 bytes were announced" in problem(answer, 413).detail


def test_a_hundred_megabytes_in_chunks_are_refused(client: httpx2.Client, problem) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000_000

    answer = client.post("/v1/jobs", content=chunks(), headers={"Content-Type": "application/json"})
    assert "up to 1,048,576 bytes here; more came" in problem(answer, 413).detail


def test_the_refusal_comes_before_the_body_does(api) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
