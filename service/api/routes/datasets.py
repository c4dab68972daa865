"""Imported datasets."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from schemas.datasets import Dataset
from service.api import shards
from service.api.backend import Services
from service.api.bodies import DatasetBody
from service.api.identity import Reader, Submitter
from service.api.problems import documented
from service.queue import datasets

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

ShardDigest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the body.")]

_OCTETS = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class StoredShard(BaseModel):
    """A shard that is in the object store."""

    sha256: str
    """Its digest."""
    size_bytes: int
    """Its length."""
    created: bool
    """False when it was there already."""


@router.put(
    "/shards/{sha256}",
    status_code=201,
    openapi_extra=_OCTETS,
    responses={200: {"model": StoredShard, "description": "It was there already."}, **documented("invalid")},
)
async def put_shard(
    sha256: ShardDigest, request: Request, response: Response, services: Services, _: Submitter
) -> StoredShard:
    """Upload a shard of up to 64 MiB. Its digest is checked, and sending it again changes nothing."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
    created = await run_in_threadpool(shards.store, services.objects, sha256, bytes(data))
    response.status_code = 201 if created else 200
    return StoredShard(sha256=sha256, size_bytes=len(data), created=created)


@router.post("", status_code=201, responses=documented("invalid"))
def import_dataset(request: DatasetBody, services: Services, _: Submitter) -> Dataset:
    """Name a dataset whose shards are uploaded. Every shard is looked at. A name can be moved to other data."""
    shards.check(services.objects, request.manifest)
    shards.publish(services.objects, request.manifest)
    with services.engine.begin() as connection:
        return datasets.register(connection, request)


@router.get("")
def list_datasets(services: Services, _: Reader) -> list[Dataset]:
    """Every named dataset."""
    with services.engine.connect() as connection:
        return datasets.listed(connection)
