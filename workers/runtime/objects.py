"""The object store: immutable objects in an S3-compatible bucket, written once and verified when read.

This is the one module that imports boto3. Endpoint and credentials are boto3's own (`AWS_ENDPOINT_URL_S3`,
`AWS_ACCESS_KEY_ID`, …); the bucket is `HOLONOMY_S3_BUCKET`. Failures become four faults:

    Unavailable   the store cannot be reached, refuses the credentials, is full or answers 5xx: wait, try again
    Missing       there is no such object
    Corrupt       the bytes are not those the digest names
    Conflict      other bytes stand under the key already
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, cast

from workers.errors import BlockFault, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ChecksumMode = Literal["when_supported", "when_required"]
_CHUNK_BYTES = 2**20
_PUT_RACES = 5
_MOST_DELETED = 1_000
PART_BYTES = 16 * 2**20
"""Files up to this size go in one request, larger ones in parts of it."""
_MOST_PARTS = 10_000


class Missing(BlockFault):
    """No object stands under the key."""

    kind = "internal"


class Corrupt(BlockFault):
    """The bytes under the key are not those that were written."""

    kind = "internal"


class Conflict(BlockFault):
    """Other bytes were written under the key before."""

    kind = "internal"


@dataclass(frozen=True)
class StoreSettings:
    """Which bucket, and how to talk to it."""

    bucket: str
    endpoint_url: str | None = None
    """Overrides boto3's own settings; None leaves the choice to `AWS_ENDPOINT_URL_S3` and AWS."""
    checksums: ChecksumMode = "when_supported"
    """boto3's `request_checksum_calculation`; some S3-compatible stores need `when_required`."""
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 60.0
    attempts: int = 3
    """Tries of one request within one call."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read `HOLONOMY_S3_BUCKET` and `HOLONOMY_CHECKSUMS`.

        Raises:
            ValueError: the bucket is not named, or the checksum mode is unknown.
        """
        bucket = environment.get("HOLONOMY_S3_BUCKET", "")
        if not bucket:
            raise ValueError("HOLONOMY_S3_BUCKET is not set: name the bucket that holds Holonomy's objects")
        checksums = environment.get("HOLONOMY_CHECKSUMS", "when_supported")
        if checksums not in ("when_supported", "when_required"):
            raise ValueError(f"HOLONOMY_CHECKSUMS must be when_supported or when_required; it is {checksums!r}")
        return cls(bucket=bucket, checksums=cast(ChecksumMode, checksums))


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
            Unavailable: see the module.
        """
        digest = hashlib.sha256(data).hexdigest()
        for _ in range(_PUT_RACES):
            status = self._put_if_absent(key, data, digest)
            if status == 200:
                return True
            if status == 412:
                return self._same_or_conflict(key, digest)
        raise Unavailable(_RACES.format(key))

    def put_file(self, key: str, path: Path, sha256: str) -> bool:
        """Write a file as an object unless that is there already, in constant memory: a large one goes in parts.

        Nothing appears under the key before all of it was sent, and nothing with another digest than the given one.

        Returns:
            True when it was written, False when the same bytes stood there already. Of several that write the same
            large file at once, a store may tell more than one that it was first.

        Raises:
            Conflict: other bytes stand under the key.
            Corrupt: the file has another digest.
            Unavailable: see the module.
        """
        size_bytes = path.stat().st_size
        if size_bytes <= PART_BYTES:
            data = path.read_bytes()
            _check_digest(f"file {path.name}", hashlib.sha256(data).hexdigest(), sha256)
            return self.put(key, data)
        if self.head(key) is not None:
            return self._same_or_conflict(key, sha256)
        for _ in range(_PUT_RACES):
            status = self._put_parts_if_absent(key, path, sha256, max(PART_BYTES, -(-size_bytes // _MOST_PARTS)))
            if status == 200:
                return True
            if status == 412:
                return self._same_or_conflict(key, sha256)
        raise Unavailable(_RACES.format(key))

    def get(self, key: str, sha256: str | None = None) -> bytes:
        """The bytes of an object, verified when its digest is given.

        Raises:
            Missing: there is none.
            Corrupt: its digest is another one.
            Unavailable: see the module.
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
            self._classify(error, key)
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
            self._classify(error, key)
        return self._counted(key, answer["Body"], start, stop)

    def head(self, key: str) -> Listed | None:
        """Key and size, or None where there is no such object.

        Raises:
            Unavailable: see the module.
        """
        try:
            answer = self._client.head_object(Bucket=self.settings.bucket, Key=key)
        except Exception as error:
            try:
                self._classify(error, key)
            except Missing:
                return None
        return Listed(key, answer["ContentLength"], answer["LastModified"])

    def list(self, prefix: str) -> Iterator[Listed]:
        """Objects whose key starts with `prefix`, a page of a thousand at a time, in the store's order.

        That is mostly, not always, the order of keys: a store on top of a file system goes folder by folder.

        Raises:
            Unavailable: see the module.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket, Prefix=prefix)
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield Listed(entry["Key"], entry["Size"], entry["LastModified"])
        except Exception as error:
            self._classify(error, prefix)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are passed over.

        Raises:
            Unavailable: the store could not delete some, or see the module; others are gone.
        """
        for start in range(0, len(keys), _MOST_DELETED):
            batch = keys[start : start + _MOST_DELETED]
            try:
                answer = self._client.delete_objects(
                    Bucket=self.settings.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            except Exception as error:
                self._classify(error, batch[0])
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
                self._classify(error, "")
            except Missing:
                raise Unavailable(_NO_BUCKET.format(self.settings.bucket)) from error

    def create_bucket(self) -> None:
        """Create the bucket unless it exists.

        Raises:
            Unavailable: see the module.
        """
        try:
            self._client.create_bucket(Bucket=self.settings.bucket)
        except Exception as error:
            if _code(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                self._classify(error, "")

    @cached_property
    def _client(self) -> "S3Client":
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=self.settings.connect_timeout_seconds,
            read_timeout=self.settings.read_timeout_seconds,
            retries={"mode": "standard", "max_attempts": self.settings.attempts},
            request_checksum_calculation=self.settings.checksums,
            response_checksum_validation=self.settings.checksums,
        )
        # A session of its own: boto3's default session is not safe to share between threads.
        return boto3.session.Session().client("s3", endpoint_url=self.settings.endpoint_url, config=config)

    def _put_if_absent(self, key: str, data: bytes, digest: str) -> int:
        """Status of a conditional write: 200 written, 412 something is there, 409 lost a race and may try again."""
        try:
            self._client.put_object(
                Bucket=self.settings.bucket, Key=key, Body=data, IfNoneMatch="*", Metadata={"sha256": digest}
            )
        except Exception as error:
            status = _status(error)
            if status in (409, 412):
                return status
            self._classify(error, key)
        return 200

    def _put_parts_if_absent(self, key: str, path: Path, sha256: str, part_bytes: int) -> int:
        """Status of a conditional write in parts, as for `_put_if_absent`; what was sent in vain is dropped."""
        where = {"Bucket": self.settings.bucket, "Key": key}
        try:
            where["UploadId"] = self._client.create_multipart_upload(
                Bucket=self.settings.bucket, Key=key, Metadata={"sha256": sha256}
            )["UploadId"]
        except Exception as error:
            self._classify(error, key)
        try:
            parts = self._send_parts(where, path, sha256, part_bytes)
            # The store joins the parts only on this request: until then there is no object.
            client: Any = self._client
            client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException as error:
            self._drop_parts(where)
            if (status := _status(error)) in (409, 412):
                return status
            if not isinstance(error, Exception):
                raise
            self._classify(error, key)
        return 200

    def _send_parts(
        self, where: dict[str, str], path: Path, sha256: str, part_bytes: int
    ) -> Sequence[dict[str, Any]]:
        client: Any = self._client
        parts, digest = list[dict[str, Any]](), hashlib.sha256()
        with path.open("rb") as file:
            while data := file.read(part_bytes):
                digest.update(data)
                number = len(parts) + 1
                answer = client.upload_part(**where, PartNumber=number, Body=data)
                checksums = {name: value for name, value in answer.items() if name.startswith("ChecksumCRC")}
                parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
        _check_digest(f"file {path.name}", digest.hexdigest(), sha256)
        return parts

    def _drop_parts(self, where: dict[str, str]) -> None:
        """Give back what an upload took that came to nothing; a store that is away forgets it by its own rules."""
        client: Any = self._client
        try:
            client.abort_multipart_upload(**where)
        except Exception as error:
            with suppress(Missing, Unavailable):
                self._classify(error, where["Key"])

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
            self._classify(error, key)
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
            self._classify(error, key)
        finally:
            body.close()
        if sha256 is not None and digest.hexdigest() != sha256:
            raise Corrupt(
                f"object {key} has sha256 {digest.hexdigest()[:12]}… where {sha256[:12]}… was written: "
                "it was damaged or replaced in the store; restore it, or submit the job again with `fresh`"
            )

    def _classify(self, error: Exception, key: str) -> NoReturn:
        """Raise the fault that `error` stands for; anything that is not the store's is raised as it came."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket = self.settings.bucket
        if isinstance(error, ClientError):
            status, code = _status(error), _code(error)
            if code == "NoSuchBucket":
                raise Unavailable(_NO_BUCKET.format(bucket)) from error
            if status == 404:
                raise Missing(f"object {key} is not there (bucket {bucket})") from error
            if status in (401, 403):
                raise Unavailable(
                    f"the object store refuses access to bucket {bucket} ({code}): check AWS_ACCESS_KEY_ID, "
                    "AWS_SECRET_ACCESS_KEY and the bucket's policy"
                ) from error
            if status >= 500 or status == 429:
                raise Unavailable(
                    f"the object store answers {status} ({code}) for bucket {bucket}: it is busy, full or broken"
                ) from error
        elif isinstance(error, BotoCoreError | OSError):
            raise Unavailable(
                f"the object store of bucket {bucket} cannot be reached ({type(error).__name__}): "
                "check that it runs and AWS_ENDPOINT_URL_S3"
            ) from error
        raise error


_NO_BUCKET = "there is no bucket {}: create it, or set HOLONOMY_S3_BUCKET"
_RACES = "the store kept answering that {} is being written by another; try again"


def _check_digest(what: str, came: str, expected: str) -> None:
    if came != expected:
        raise Corrupt(f"{what} has sha256 {came[:12]}… where {expected[:12]}… was expected: it changed meanwhile")


def _status(error: BaseException) -> int:
    response: Mapping[str, Any] = getattr(error, "response", {})
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: Exception) -> str:
    response: Mapping[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
