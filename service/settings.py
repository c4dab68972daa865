"""Settings of the service, read from the environment (`HOLONOMY_…`). boto3 reads its own `AWS_…` variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that the service's processes are told. Times are in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="HOLONOMY_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    database_url: SecretStr | None = None
    """Postgres, as `postgresql://user:password@host:port/database`; none means the embedded stack."""
    reader_database_url: SecretStr | None = None
    """The same database for the role that may only read results, as `holonomy db credentials --read-only` prints it;
    none means that the API takes no queries."""
    s3_bucket: str | None = None
    """Bucket for objects; none means the embedded stack."""
    checksums: Literal["when_supported", "when_required"] = "when_supported"
    """boto3's `request_checksum_calculation` and `response_checksum_validation`; some S3-compatible stores need
    `when_required`."""
    ray_address: str | None = None
    """Address of the Ray cluster, `host:port`; none means the embedded stack."""
    home: Path | None = None
    """State folder of the embedded stack; by default one is chosen by user."""
    lease_seconds: float = Field(default=30.0, gt=0)
    """How long a claimed block is held without a sign of life."""
    grace_seconds: float = Field(default=10.0, ge=0)
    """How long a cancelled block may take to stop before it is killed."""
    slots: int | None = Field(default=None, ge=1)
    """CPU worker slots; by default as many as the cluster has cores that no GPU slot needs."""
    statement_timeout_seconds: float = Field(default=60.0, gt=0)
    """Longest a database statement may take."""
    api_host: str = "127.0.0.1"
    """Address the API listens on."""
    api_port: int = Field(default=8321, ge=0, le=65535)
    """Port of the API; 0 takes a free one."""
