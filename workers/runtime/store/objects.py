"""Objects of one bucket, written once and verified when read.

Failures are the four faults of `faults`; the bucket is `HOLONOMY_S3_BUCKET`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.errors import Unavailable
from workers.runtime.store.faults import NO_BUCKET, RACES, Conflict, Corrupt, Missing, check_digest, classify, code_of
from workers.runtime.store.settings import StoreSettings, connect
from workers.runtime.store.uploads import PART_BYTES, put_if_absent, put_parts_if_absent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 2**20
_PUT_RACES = 5
_MOST_DELETED = 1_000


@dataclass(frozen=True)
class Listed:
    """An object as a listing or a head shows it."""

    key: str
    size_bytes: int
    modified_at: datetime
    """When it was written, by the store's clock."""


class ObjectStore:
    """Objects of one bucket. Safe to share between threads; connects on first use."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings

    def put(self, key: str, data: bytes) -> bool:
        """Write an object unless it is there already.

        Returns:
            True when it was written, False when the same bytes stood there already.

        Raises:
            Conflict: other bytes stand under the key.
            Unavailable: see `faults`.
        """
        digest = hashlib.sha256(data).hexdigest()
        for _ in range(_PUT_RACES):
            status = put_if_absent(self._client, self.settings.bucket, key, data, digest)
            if status == 200:
                return True
            if status == 412:
                return self._same_or_conflict(key, digest)
        raise Unavailable(RACES.format(key))

    def put_file(self, key: str, path: Path, sha256: str) -> bool:
        """Write a file as an object unless that is there already, in constant memory: a large one goes in parts.

        Nothing appears under the key before all of it was sent, and nothing with another digest than the given one.

        Returns:
            True when it was written, False when the same bytes stood there already. Of several that write the same
            large file at once, a store may tell more than one that it was first.

        Raises:
            Conflict: other bytes stand under the key.
            Corrupt: the file has another digest.
            Unavailable: see `faults`.
        """
        if path.stat().st_size <= PART_BYTES:
            data = path.read_bytes()
            check_digest(f"file {path.name}", hashlib.sha256(data).hexdigest(), sha256)
            return self.put(key, data)
        if self.head(key) is not None:
            return self._same_or_conflict(key, sha256)
        for _ in range(_PUT_RACES):
            status = put_parts_if_absent(self._client, self.settings.bucket, key, path, sha256)
            if status == 200:
                return True
            if status == 412:
                return self._same_or_conflict(key, sha256)
        raise Unavailable(RACES.format(key))

    def get(self, key: str, sha256: str | None = None) -> bytes:
        """The bytes of an object, verified when its digest is given.

        Raises:
            Missing: there is none.
            Corrupt: its digest is another one.
            Unavailable: see `faults`.
        """
        return b"".join(self.stream(key, sha256))

    def stream(self, key: str, sha256: str | None = None) -> Iterator[bytes]:
        """The bytes of an object in chunks. A wrong digest is raised after the last chunk.

        The object is opened before this returns, so that a missing one is reported here.

        Raises:
            Missing, Corrupt, Unavailable: as for `get`.
        """
        try:
            body = self._client.get_object(Bucket=self.settings.bucket, Key=key)["Body"]
        except Exception as error:
            classify(error, self.settings.bucket, key)
        return self._verified(key, body, sha256)

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop` (exclusive) of an object; not verified, since the digest is of the whole.

        Raises:
            ValueError: the range is empty or negative.
            Missing, Unavailable: as for `get`.
            Corrupt: the object ends before `stop`.
        """
        return b"".join(self.stream_range(key, start, stop))

    def stream_range(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """Bytes `start` to `stop` (exclusive) of an object in chunks, opened before this returns; not verified.

        Raises:
            ValueError, Missing, Unavailable: as for `get_range`.
            Corrupt: the object ends before `stop`; raised after the last chunk.
        """
        if not 0 <= start < stop:
            raise ValueError(f"a byte range needs 0 <= start < stop; came {start} to {stop}")
        try:
            answer = self._client.get_object(Bucket=self.settings.bucket, Key=key, Range=f"bytes={start}-{stop - 1}")
        except Exception as error:
            classify(error, self.settings.bucket, key)
        return self._counted(key, answer["Body"], start, stop)

    def head(self, key: str) -> Listed | None:
        """Key and size, or None where there is no such object.

        Raises:
            Unavailable: see `faults`.
        """
        try:
            answer = self._client.head_object(Bucket=self.settings.bucket, Key=key)
        except Exception as error:
            try:
                classify(error, self.settings.bucket, key)
            except Missing:
                return None
        return Listed(key, answer["ContentLength"], answer["LastModified"])

    def list(self, prefix: str) -> Iterator[Listed]:
        """Objects whose key starts with `prefix`, a page of a thousand at a time, in the store's order.

        That is mostly, not always, the order of keys: a store on top of a file system goes folder by folder.

        Raises:
            Unavailable: see `faults`.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket, Prefix=prefix)
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield Listed(entry["Key"], entry["Size"], entry["LastModified"])
        except Exception as error:
            classify(error, self.settings.bucket, prefix)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are passed over.

        Raises:
            Unavailable: the store could not delete some, or see `faults`; others are gone.
        """
        for start in range(0, len(keys), _MOST_DELETED):
            batch = keys[start : start + _MOST_DELETED]
            try:
                answer = self._client.delete_objects(
                    Bucket=self.settings.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            except Exception as error:
                classify(error, self.settings.bucket, batch[0])
            for fault in answer.get("Errors", ()):
                raise Unavailable(
                    f"the object store could not delete {fault.get('Key')} ({fault.get('Code')}: "
                    f"{fault.get('Message')}): try again"
                )

    def check(self) -> None:
        """Return when the bucket is there and the credentials are accepted.

        Raises:
            Unavailable: they are not; the message says which.
        """
        try:
            self._client.head_bucket(Bucket=self.settings.bucket)
        except Exception as error:
            try:
                classify(error, self.settings.bucket)
            except Missing:
                raise Unavailable(NO_BUCKET.format(self.settings.bucket)) from error

    def create_bucket(self) -> None:
        """Create the bucket unless it exists.

        Raises:
            Unavailable: see `faults`.
        """
        try:
            self._client.create_bucket(Bucket=self.settings.bucket)
        except Exception as error:
            if code_of(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                classify(error, self.settings.bucket)

    @cached_property
    def _client(self) -> "S3Client":
        return connect(self.settings)

    def _same_or_conflict(self, key: str, digest: str) -> bool:
        read = hashlib.sha256()
        for chunk in self.stream(key):
            read.update(chunk)
        there = read.hexdigest()
        if there != digest:
            raise Conflict(
                f"object {key} is there already with sha256 {there[:12]}…, and {digest[:12]}… was to be written: "
                "two attempts must not share a key"
            )
        return False

    def _counted(self, key: str, body: Any, start: int, stop: int) -> Iterator[bytes]:
        came = 0
        try:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                came += len(chunk)
                yield chunk
        except Exception as error:
            classify(error, self.settings.bucket, key)
        finally:
            body.close()
        if came != stop - start:
            raise Corrupt(f"object {key} gave {came} bytes of the {stop - start} from {start} to {stop}")

    def _verified(self, key: str, body: Any, sha256: str | None) -> Iterator[bytes]:
        digest = hashlib.sha256()
        try:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
                yield chunk
        except Exception as error:
            classify(error, self.settings.bucket, key)
        finally:
            body.close()
        if sha256 is not None and digest.hexdigest() != sha256:
            raise Corrupt(
                f"object {key} has sha256 {digest.hexdigest()[:12]}… where {sha256[:12]}… was written: "
                "it was damaged or replaced in the store; restore it, or submit the job again with `fresh`"
            )
