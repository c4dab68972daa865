"""Jobs with real objects in a real bucket."""

import pytest

from tests.support.dispatching import Queue
from tests.support.keeping import Keeper
from workers.runtime.store import ObjectStore, StoreSettings


@pytest.fixture
def keeper(queue: Queue, s3_bucket) -> Keeper:
    return Keeper(queue, ObjectStore(StoreSettings(bucket=s3_bucket.name)))
