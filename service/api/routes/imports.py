"""Jobs and sweeps that another installation exported: their files first, each under its digest, then what they are.

An import states results that were not computed here, and submissions of the same spec are answered with them: it
needs the scope `admin`.
"""

import hashlib
from collections.abc import AsyncIterator
from typing import IO, Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from schemas.exports import Digests, Imported, upload_key
from service.api.backend import Services
from service.api.bodies import JobImportBody, SweepImportBody
from service.api.identity import Admin
from service.api.problems import ProblemError, documented
from service.archive import imports, sweep_imports
from service.archive.scratch import scratch_folder

router = APIRouter(prefix="/v1/imports", tags=["imports"])

FileDigest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes.")]
_OCTETS = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_WRITE_BYTES = 2**20


@router.post("/missing", responses=documented("invalid"))
def find_missing(digests: Digests, services: Services, _: Admin) -> Digests:
    """Those of some files that are not uploaded yet."""
    there = services.objects.head
    return Digests(sha256s=tuple(sha256 for sha256 in digests.sha256s if there(upload_key(sha256)) is None))


@router.put(
    "/files/{sha256}",
    status_code=204,
    openapi_extra=_OCTETS,
    responses=documented("invalid"),
    response_class=Response,
)
async def put_file(sha256: FileDigest, request: Request, services: Services, _: Admin) -> None:
    """Upload a file of an export. Its digest is checked, and sending it again changes nothing."""
    with scratch_folder() as folder:
        path = folder / sha256
        with path.open("wb") as file:
            came = await _received(request.stream(), file)
        if came != sha256:
            raise ProblemError("invalid", f"the body's sha256 is {came}, the path says {sha256}: send it again")
        await run_in_threadpool(services.objects.put_file, upload_key(sha256), path, sha256)


@router.post(
    "/jobs",
    status_code=201,
    responses={
        200: {"model": Imported, "description": "A job of this spec was there, and was left alone."},
        **documented("not_found", "conflict", "invalid"),
    },
)
def import_job(request: JobImportBody, response: Response, services: Services, who: Admin) -> Imported:
    """Store a done job of another installation, whose files are uploaded: all of it, or nothing."""
    done = imports.import_job(services.engine, services.objects, request, imported_by=who.name)
    response.status_code = 201 if done.created else 200
    return done


@router.post(
    "/sweeps",
    status_code=201,
    responses={
        200: {"model": Imported, "description": "The same sweep was there, and was left alone."},
        **documented("not_found", "conflict", "invalid"),
    },
)
def import_sweep(request: SweepImportBody, response: Response, services: Services, who: Admin) -> Imported:
    """Store a sweep of another installation, whose jobs are here."""
    with services.engine.begin() as connection:
        done = sweep_imports.import_sweep(connection, request, imported_by=who.name)
    response.status_code = 201 if done.created else 200
    return done


async def _received(chunks: AsyncIterator[bytes], file: IO[bytes]) -> str:
    """Write a body to a file as it comes; its SHA-256."""
    digest, held = hashlib.sha256(), bytearray()

    def flush() -> None:
        digest.update(held)
        file.write(held)
        held.clear()

    async for chunk in chunks:
        held += chunk
        if len(held) >= _WRITE_BYTES:
            await run_in_threadpool(flush)
    await run_in_threadpool(flush)
    return digest.hexdigest()
