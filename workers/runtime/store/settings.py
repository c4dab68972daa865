"""Which bucket, and how boto3 talks to it. Endpoint and credentials are boto3's own (`AWS_ENDPOINT_URL_S3`, …)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, cast

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ChecksumMode = Literal["when_supported", "when_required"]


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


def connect(settings: StoreSettings) -> "S3Client":
    """A client of boto3. Safe to share between threads."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        retries={"mode": "standard", "max_attempts": settings.attempts},
        request_checksum_calculation=settings.checksums,
        response_checksum_validation=settings.checksums,
    )
    # A session of its own: boto3's default session is not safe to share between threads.
    return boto3.session.Session().client("s3", endpoint_url=settings.endpoint_url, config=config)
