"""The object store: immutable objects in an S3-compatible bucket. boto3 is imported here and nowhere else."""

from workers.runtime.store.faults import Conflict, Corrupt, Missing
from workers.runtime.store.objects import Listed, ObjectStore
from workers.runtime.store.settings import StoreSettings
from workers.runtime.store.uploads import PART_BYTES

__all__ = ["PART_BYTES", "Conflict", "Corrupt", "Listed", "Missing", "ObjectStore", "StoreSettings"]
