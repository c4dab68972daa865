"""Imported datasets."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from schemas.datasets import Dataset, shard_key, tokenizer_key
from service.api import shards
from service.api.backend import Backend, Services
from service.api.bodies import DatasetBody
from service.api.identity import Reader, Submitter
from service.api.problems import ProblemError, documented
from service.queue import datasets
from service.retention.naming import hold_names

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

PartDigest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes.")]

_OCTETS = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class StoredPart(BaseModel):
    """A shard or tokenizer that is in the object store."""

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
    responses={200: {"model": StoredPart, "description": "It was there already."}, **documented("invalid")},
)
async def put_shard(
    sha256: PartDigest, request: Request, response: Response, services: Services, _: Submitter
) -> StoredPart:
    """Upload a shard of up to 64 MiB. Its digest is checked, and sending it again changes nothing."""
    return await _stored(shard_key(sha256), sha256, request, response, services)


@router.put(
    "/tokenizers/{sha256}",
    status_code=201,
    openapi_extra=_OCTETS,
    responses={200: {"model": StoredPart, "description": "It was there already."}, **documented("invalid")},
)
async def put_tokenizer(
    sha256: PartDigest, request: Request, response: Response, services: Services, _: Submitter
) -> StoredPart:
    """Upload the tokenizer of a text dataset: JSON of up to 64 MiB. Its digest is checked."""
    return await _stored(tokenizer_key(sha256), sha256, request, response, services)


@router.get(
    "/tokenizers/{sha256}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {}}}, **documented("invalid", "not_found")},
)
def get_tokenizer(sha256: PartDigest, services: Services, _: Reader) -> StreamingResponse:
    """A tokenizer, as stored: the JSON that the library `tokenizers` reads."""
    if services.objects.head(tokenizer_key(sha256)) is None:
        raise ProblemError(
            "not_found", f"there is no tokenizer {sha256}: the manifest of a text dataset names its own"
        )
    stream = services.objects.stream(tokenizer_key(sha256), sha256)
    return StreamingResponse(stream, media_type="application/json")


async def _stored(key: str, sha256: str, request: Request, response: Response, services: Backend) -> StoredPart:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
    created = await run_in_threadpool(shards.store, services.objects, key, sha256, bytes(data))
    response.status_code = 201 if created else 200
    return StoredPart(sha256=sha256, size_bytes=len(data), created=created)


@router.post("", status_code=201, responses=documented("invalid"))
def import_dataset(request: DatasetBody, services: Services, _: Submitter) -> Dataset:
    """Name a dataset whose shards are uploaded. Every shard is looked at. A name can be moved to other data."""
    with services.engine.begin() as connection:
        # What was uploaded long ago is named by nobody yet: it must not be collected between this look and the name.
        hold_names(connection)
        shards.check(services.objects, request.manifest)
        shards.publish(services.objects, request.manifest)
        return datasets.register(connection, request)


@router.get("")
def list_datasets(services: Services, _: Reader) -> list[Dataset]:
    """Every named dataset."""
    with services.engine.connect() as connection:
        return datasets.listed(connection)
