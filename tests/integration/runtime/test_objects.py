"""The object store against a real S3 server."""

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.embedded.ports import free_port
from workers.errors import Unavailable
from workers.runtime.store import PART_BYTES, Conflict, Corrupt, Missing, ObjectStore, StoreSettings


@pytest.fixture
def store(s3_bucket) -> ObjectStore:
    return ObjectStore(StoreSettings(bucket=s3_bucket.name))


def _overwrite(store: ObjectStore, key: str, data: bytes) -> None:
    """What a store never does by itself: other bytes under a key that is taken."""
    store._client.put_object(Bucket=store.settings.bucket, Key=key, Body=data)


def test_an_object_comes_back_as_it_was_written(store):
    data = bytes(range(256)) * 10_000
    assert store.put("a/b", data)
    assert store.get("a/b", hashlib.sha256(data).hexdigest()) == data
    assert b"".join(store.stream("a/b")) == data
    assert store.get_range("a/b", 256, 512) == bytes(range(256))
    found = store.head("a/b")
    assert (found.key, found.size_bytes) == ("a/b", len(data))
    assert abs((datetime.now(UTC) - found.modified_at).total_seconds()) < 60


def test_an_empty_object(store):
    assert store.put("empty", b"")
    assert store.get("empty", hashlib.sha256(b"").hexdigest()) == b""


def test_writing_the_same_bytes_again_is_no_matter(store):
    assert store.put("key", b"bytes")
    assert not store.put("key", b"bytes")


def test_writing_other_bytes_is_a_conflict_and_keeps_the_first(store):
    store.put("key", b"first")
    with pytest.raises(Conflict, match="two attempts must not share a key"):
        store.put("key", b"second")
    assert store.get("key") == b"first"


@pytest.fixture(params=[1_000, 2 * PART_BYTES + 1], ids=["one request", "parts"])
def file(request, tmp_path) -> tuple[Path, str]:
    """A file that goes in one request or in parts, and its digest."""
    path = tmp_path / "file"
    path.write_bytes(random.Random(0).randbytes(request.param))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_becomes_an_object_once(store, file):
    path, sha256 = file
    assert store.put_file("file", path, sha256)
    assert not store.put_file("file", path, sha256)
    assert store.get("file", sha256) == path.read_bytes()


def test_a_file_does_not_replace_other_bytes(store, file):
    path, sha256 = file
    store.put("file", b"first")
    with pytest.raises(Conflict, match="two attempts must not share a key"):
        store.put_file("file", path, sha256)
    assert store.get("file") == b"first"


def test_of_a_file_with_another_digest_nothing_appears(store, file):
    path, _ = file
    with pytest.raises(Corrupt, match=r"file file has sha256 .* where 000000000000… was expected"):
        store.put_file("file", path, "0" * 64)
    assert store.head("file") is None
    assert not store._client.list_multipart_uploads(Bucket=store.settings.bucket).get("Uploads")


def test_two_writers_of_one_file_agree(store, file):
    path, sha256 = file
    with ThreadPoolExecutor(4) as pool:
        wrote = list(pool.map(lambda _: store.put_file("file", path, sha256), range(4)))
    assert any(wrote)
    assert store.get("file", sha256) == path.read_bytes()


def test_a_part_of_an_object_is_streamed(store):
    data = random.Random(1).randbytes(3 * 2**20)
    store.put("key", data)
    chunks = list(store.stream_range("key", 7, len(data) - 7))
    assert b"".join(chunks) == data[7:-7]
    assert max(map(len, chunks)) <= 2**20
    with pytest.raises(Missing, match="object none is not there"):
        store.stream_range("none", 0, 1)


def test_damaged_bytes_are_reported(store):
    store.put("key", b"right")
    _overwrite(store, "key", b"wrong")
    with pytest.raises(Corrupt, match="was damaged or replaced"):
        store.get("key", hashlib.sha256(b"right").hexdigest())


def test_a_missing_object(store):
    assert store.head("none") is None
    with pytest.raises(Missing, match="object none is not there"):
        store.get("none")
    with pytest.raises(Missing, match="object none is not there"):
        store.stream("none")


def test_a_range_must_lie_within_the_object(store):
    store.put("short", b"abc")
    with pytest.raises(Corrupt, match="gave 3 bytes of the 10"):
        store.get_range("short", 0, 10)
    with pytest.raises(ValueError, match="0 <= start < stop"):
        store.get_range("short", 2, 2)


def test_objects_are_listed_by_prefix_in_key_order(store):
    for name in ("p/2", "p/1", "q/1"):
        store.put(name, name.encode())
    assert [(found.key, found.size_bytes) for found in store.list("p/")] == [("p/1", 3), ("p/2", 3)]
    assert list(store.list("p/1")) == [store.head("p/1")]
    assert list(store.list("none/")) == []


def test_objects_are_deleted_in_any_number(store):
    keys = [f"many/{number}" for number in range(1_005)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x"), [*keys, "kept"]))
    store.delete([*keys, "was never there"])
    assert [found.key for found in store.list("")] == ["kept"]
    store.delete([])


def test_a_store_that_is_away_is_unavailable(s3_bucket):
    away = ObjectStore(StoreSettings(s3_bucket.name, endpoint_url=f"http://127.0.0.1:{free_port()}", attempts=1))
    for call in (lambda: away.put("k", b""), lambda: away.get("k"), lambda: away.head("k"), away.check):
        with pytest.raises(Unavailable, match="cannot be reached"):
            call()
    with pytest.raises(Unavailable, match="cannot be reached"):
        list(away.list("k"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        away.delete(["k"])


def test_a_bucket_that_is_not_there(store):
    strange = ObjectStore(replace(store.settings, bucket="no-such-bucket"))
    with pytest.raises(Unavailable, match="there is no bucket no-such-bucket: create it"):
        strange.check()
    with pytest.raises(Unavailable, match="there is no bucket no-such-bucket: create it"):
        strange.get("key")


def test_wrong_credentials(store, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Unavailable, match="refuses access"):
        ObjectStore(store.settings).get("key")


def test_a_bucket_is_created_once(s3_bucket):
    store = ObjectStore(StoreSettings(f"{s3_bucket.name}-more"))
    store.create_bucket()
    store.create_bucket()
    store.check()
