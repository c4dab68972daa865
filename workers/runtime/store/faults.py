"""What goes wrong with an object store, as four faults.

Unavailable   the store cannot be reached, refuses the credentials, is full or answers 5xx: wait, try again
Missing       there is no such object
Corrupt       the bytes are not those the digest names
Conflict      other bytes stand under the key already
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from workers.errors import BlockFault, Unavailable

NO_BUCKET = "there is no bucket {}: create it, or set HOLONOMY_S3_BUCKET"
RACES = "the store kept answering that {} is being written by another; try again"


class Missing(BlockFault):
    """No object stands under the key."""

    kind = "internal"


class Corrupt(BlockFault):
    """The bytes under the key are not those that were written."""

    kind = "internal"


class Conflict(BlockFault):
    """Other bytes were written under the key before."""

    kind = "internal"


def classify(error: Exception, bucket: str, key: str = "") -> NoReturn:
    """Raise the fault that an error of boto3 stands for; anything that is not the store's is raised as it came.

    Args:
        error: What a call raised.
        bucket: The bucket that it was about.
        key: The object, or the start of the keys, that it was about.

    Raises:
        Missing, Unavailable: see the module.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        status, code = status_of(error), code_of(error)
        if code == "NoSuchBucket":
            raise Unavailable(NO_BUCKET.format(bucket)) from error
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


def check_digest(what: str, came: str, expected: str) -> None:
    """Return when the digest is the one expected.

    Raises:
        Corrupt: it is another one.
    """
    if came != expected:
        raise Corrupt(f"{what} has sha256 {came[:12]}… where {expected[:12]}… was expected: it changed meanwhile")


def status_of(error: BaseException) -> int:
    """HTTP status of an answer that boto3 raised; 0 where there is none."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: Exception) -> str:
    """The store's own word for an error; empty where there is none."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
