"""Writing an object unless one is there: in one request, or in parts that the store joins at the end."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.errors import Unavailable
from workers.runtime.store.faults import Missing, check_digest, classify, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES = 16 * 2**20
"""Files up to this size go in one request, larger ones in parts of it."""
_MOST_PARTS = 10_000


def put_if_absent(client: "S3Client", bucket: str, key: str, data: bytes, sha256: str) -> int:
    """Status of a conditional write: 200 written, 412 something is there, 409 lost a race and may try again.

    Raises:
        Unavailable: see `faults`.
    """
    try:
        client.put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*", Metadata={"sha256": sha256})
    except Exception as error:
        status = status_of(error)
        if status in (409, 412):
            return status
        classify(error, bucket, key)
    return 200


def put_parts_if_absent(client: "S3Client", bucket: str, key: str, path: Path, sha256: str) -> int:
    """Status of a conditional write in parts, as for `put_if_absent`; what was sent in vain is dropped.

    Raises:
        Corrupt: the file has another digest.
        Unavailable: see `faults`.
    """
    part_bytes = max(PART_BYTES, -(-path.stat().st_size // _MOST_PARTS))
    try:
        answer = client.create_multipart_upload(Bucket=bucket, Key=key, Metadata={"sha256": sha256})
    except Exception as error:
        classify(error, bucket, key)
    # boto3's types have no way to say that a mapping holds these three.
    untyped: Any = client
    where = {"Bucket": bucket, "Key": key, "UploadId": answer["UploadId"]}
    try:
        parts = _send_parts(untyped, where, path, sha256, part_bytes)
        # The store joins the parts only on this request: until then there is no object.
        untyped.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    except BaseException as error:
        _drop_parts(untyped, where)
        if (status := status_of(error)) in (409, 412):
            return status
        if not isinstance(error, Exception):
            raise
        classify(error, bucket, key)
    return 200


def _send_parts(
    client: Any, where: dict[str, str], path: Path, sha256: str, part_bytes: int
) -> Sequence[dict[str, Any]]:
    parts, digest = list[dict[str, Any]](), hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(part_bytes):
            digest.update(data)
            number = len(parts) + 1
            answer = client.upload_part(**where, PartNumber=number, Body=data)
            checksums = {name: value for name, value in answer.items() if name.startswith("ChecksumCRC")}
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
    check_digest(f"file {path.name}", digest.hexdigest(), sha256)
    return parts


def _drop_parts(client: Any, where: dict[str, str]) -> None:
    """Give back what an upload took that came to nothing; a store that is away forgets it by its own rules."""
    try:
        client.abort_multipart_upload(**where)
    except Exception as error:
        with suppress(Missing, Unavailable):
            classify(error, where["Bucket"], where["Key"])
