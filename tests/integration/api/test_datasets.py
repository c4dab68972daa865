import hashlib
import json

import httpx2
import numpy as np
import pytest
from safetensors.numpy import save

from schemas.canonical import canonical_json, digest
from schemas.datasets import IdxManifest, manifest_key, shard_key


def shard(count: int, seed: int, split: str = "train") -> tuple[bytes, dict[str, object]]:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 4, 5), dtype=np.uint8)
    data = save({"images": images, "labels": random.integers(0, 2, count, dtype=np.uint8)})
    sha256 = hashlib.sha256(data).hexdigest()
    return data, {"sha256": sha256, "size_bytes": len(data), "split": split, "count": count}


def manifest(*shards: dict[str, object], **changes: object) -> dict[str, object]:
    return {"kind": "idx", "shape": [4, 5], "labels": ["odd", "even"], "shards": list(shards), **changes}


def upload(client: httpx2.Client, data: bytes, sha256: object) -> httpx2.Response:
    return client.put(f"/v1/datasets/shards/{sha256}", content=data)


def test_a_dataset_is_uploaded_named_listed_and_renamed(api, client: httpx2.Client) -> None:
    first, first_shard = shard(7, seed=1)
    second, second_shard = shard(3, seed=2, split="test")
    answer = upload(client, first, first_shard["sha256"])
    assert (answer.status_code, answer.json()["created"]) == (201, True)
    again = upload(client, first, first_shard["sha256"])
    assert (again.status_code, again.json()["created"]) == (200, False)
    upload(client, second, second_shard["sha256"])

    body = manifest(first_shard, second_shard)
    made = client.post("/v1/datasets", json={"name": "numbers", "manifest": body})
    assert made.status_code == 201
    wanted = IdxManifest.model_validate(body)
    assert made.json()["digest"] == digest(wanted)
    assert made.json() in client.get("/v1/datasets").json()
    assert api.backend.objects.get(manifest_key(digest(wanted))) == canonical_json(wanted)
    assert api.backend.objects.get(shard_key(str(first_shard["sha256"]))) == first

    moved = client.post("/v1/datasets", json={"name": "numbers", "manifest": manifest(first_shard)}).json()
    assert [d["digest"] for d in client.get("/v1/datasets").json() if d["name"] == "numbers"] == [moved["digest"]]


def test_damaged_shards_are_refused(client: httpx2.Client, problem) -> None:
    data, described = shard(5, seed=3)
    detail = problem(upload(client, data + b"x", described["sha256"]), 422).detail
    assert f"the path says {described['sha256']}" in detail
    assert "sha256: string should match pattern" in problem(upload(client, data, "A" * 64), 422).detail


@pytest.mark.parametrize(
    ("changes", "of_shard", "detail"),
    [
        ({}, {"sha256": "0" * 64}, "is not there: PUT /v1/datasets/shards/000"),
        ({}, {"size_bytes": 3}, "the manifest says 3"),
        ({}, {"count": 9}, "images should be uint8 of shape (9, 4, 5); it is uint8 of shape (6, 4, 5)"),
        ({"shape": [5, 4]}, {}, "images should be uint8 of shape (6, 5, 4)"),
        ({"shards": []}, {}, "manifest.shards: expected at least 1 of them"),
        ({"colour": 1}, {}, "manifest.colour: is not a field"),
    ],
)
def test_a_manifest_must_fit_its_shards(
    client: httpx2.Client, problem, changes: dict[str, object], of_shard: dict[str, object], detail: str
) -> None:
    data, described = shard(6, seed=4)
    upload(client, data, described["sha256"])
    body = manifest({**described, **of_shard}, **changes)
    assert detail in problem(client.post("/v1/datasets", json={"name": "bad", "manifest": body}), 422).detail


def test_bytes_that_are_no_arrays_are_refused(client: httpx2.Client, problem) -> None:
    for data in (b"not safetensors at all", (2).to_bytes(8, "little") + b"[]", b"1234"):
        sha256 = hashlib.sha256(data).hexdigest()
        upload(client, data, sha256)
        described = {"sha256": sha256, "size_bytes": len(data), "split": "train", "count": 1}
        body = {"name": "bad", "manifest": manifest(described)}
        assert "is not a safetensors object" in problem(client.post("/v1/datasets", json=body), 422).detail


def test_an_empty_shard_is_refused(client: httpx2.Client, problem) -> None:
    problem(upload(client, b"", hashlib.sha256(b"").hexdigest()), 422)


TOKENIZER = json.dumps({"model": {"vocab": {"[PAD]": 0, "[UNK]": 1, "a": 2}}}).encode()


def texts(tokenizer: bytes = TOKENIZER, **changes: object) -> tuple[bytes, dict[str, object]]:
    """A shard of three texts of two tokens, and the request that names them."""
    tokens = np.array([[2, 0], [2, 2], [1, 0]], dtype=np.uint16)
    data = save({"tokens": tokens, "labels": np.array([0, 1, 0], dtype=np.uint16)})
    described = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "split": "train", "count": 3}
    stored = {"sha256": hashlib.sha256(tokenizer).hexdigest(), "size_bytes": len(tokenizer), "vocabulary": 3}
    body = {"kind": "text", "length": 2, "labels": ["neg", "pos"], "source": "imdb", "shards": [described]}
    return data, {"name": "texts", "manifest": {**body, "tokenizer": {**stored, "library": "none", **changes}}}


def test_texts_need_their_tokenizer(client: httpx2.Client, problem) -> None:
    data, body = texts()
    upload(client, data, body["manifest"]["shards"][0]["sha256"])
    path = f"/v1/datasets/tokenizers/{body['manifest']['tokenizer']['sha256']}"
    assert "there is no tokenizer" in problem(client.get(path), 404).detail
    assert f"is not there: PUT {path} first" in problem(client.post("/v1/datasets", json=body), 422).detail
    assert client.put(path, content=TOKENIZER).status_code == 201
    assert client.put(path, content=TOKENIZER).status_code == 200
    assert "the body's sha256 is" in problem(client.put(path, content=b"other"), 422).detail
    assert client.post("/v1/datasets", json=body).status_code == 201
    assert client.get(path).content == TOKENIZER


@pytest.mark.parametrize(
    ("tokenizer", "changes", "detail"),
    [
        (TOKENIZER, {"vocabulary": 4}, "has 3 tokens, the manifest says 4"),
        (TOKENIZER, {"size_bytes": 5}, "bytes, the manifest says 5"),
        (b"not JSON", {}, "is not the JSON of a tokenizer with a vocabulary"),
        (b'{"model": 3}', {}, "is not the JSON of a tokenizer with a vocabulary"),
    ],
)
def test_a_tokenizer_must_be_what_the_manifest_says(
    client: httpx2.Client, problem, tokenizer: bytes, changes: dict[str, object], detail: str
) -> None:
    data, body = texts(tokenizer, **changes)
    upload(client, data, body["manifest"]["shards"][0]["sha256"])
    client.put(f"/v1/datasets/tokenizers/{body['manifest']['tokenizer']['sha256']}", content=tokenizer)
    assert detail in problem(client.post("/v1/datasets", json=body), 422).detail
