"""The service's way to the object store: the workers' own, built from the settings."""

from service.settings import Settings
from workers.errors import Unavailable
from workers.runtime.store import Conflict, Corrupt, Listed, Missing, ObjectStore, StoreSettings

__all__ = ["Conflict", "Corrupt", "Listed", "Missing", "ObjectStore", "Unavailable", "object_store", "store_settings"]


def store_settings(settings: Settings) -> StoreSettings:
    """Bucket and checksum mode; endpoint and credentials are boto3's own (`AWS_…`).

    Raises:
        ValueError: no bucket is named.
    """
    if settings.s3_bucket is None:
        raise ValueError(
            "expected the name of a bucket in HOLONOMY_S3_BUCKET, found none: set it, or run `holonomy up`"
        )
    return StoreSettings(bucket=settings.s3_bucket, checksums=settings.checksums)


def object_store(settings: Settings) -> ObjectStore:
    """The object store that the settings name; connects on first use.

    Raises:
        ValueError: no bucket is named.
    """
    return ObjectStore(store_settings(settings))
