"""Arrays of a job: parts of its objects by meaning, and whole objects by name. All are safetensors."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api import job_objects, members, pairs, ranges
from service.api.backend import Services
from service.api.identity import Reader
from service.api.parameters import Number, StepNumber
from service.api.problems import documented

MEDIA_TYPE = "application/octet-stream"

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["arrays"])

First = Annotated[int, Query(ge=0, le=2**31 - 1, description="Train-split index of x in [v_x, v_y].")]
Second = Annotated[int, Query(ge=0, le=2**31 - 1, description="Train-split index of y.")]
ReplicaNumber = Annotated[
    int | None,
    Query(
        ge=-(2**31),
        le=2**31 - 1,
        description="Number of the replica within the job; −1 − g for the twin of group g; by default the baseline.",
    ),
]
ObjectName = Annotated[str, Path(max_length=500, pattern=r"^[^\x00]+$", description="Name within the job.")]

_ERRORS = documented("not_found", "dropped", "invalid")
_BYTES = {"description": "The bytes.", "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/arrays/logits", response_class=Response, responses={200: _BYTES, **_ERRORS})
def get_logits(job_id: Number, step: StepNumber, i: First, j: Second, services: Services, _: Reader) -> Response:
    """Logit perturbations of a pair: safetensors with `logits` (test, output) = J_t [v_i, v_j].

    Swapping i and j gives the negative.
    """
    with services.engine.connect() as connection:
        place = pairs.find_logits(connection, job_id, step, i, j)
    return Response(pairs.logits(services.objects, place), media_type=MEDIA_TYPE)


@router.get("/arrays/bracket", response_class=Response, responses={200: _BYTES, **_ERRORS})
def get_bracket(job_id: Number, step: StepNumber, i: First, j: Second, services: Services, _: Reader) -> Response:
    """The whole bracket of a kept pair: safetensors with one array per parameter, [v_i, v_j] = H_j g_i − H_i g_j.

    Swapping i and j gives the negative.
    """
    with services.engine.connect() as connection:
        place = pairs.find_bracket(connection, job_id, step, i, j)
    return Response(pairs.bracket(services.objects, place), media_type=MEDIA_TYPE)


@router.get(
    "/arrays/checkpoint",
    response_class=StreamingResponse,
    responses={200: _BYTES, 206: _BYTES, **_ERRORS, **documented("range")},
)
def get_checkpoint(job_id: Number, step: StepNumber, request: Request, services: Services, _: Reader) -> Response:
    """A checkpoint: safetensors with `parameters/…`, `buffers/…`, `optimizer/…` and `rng/…`.

    For a brackets job it is the checkpoint of the training run it looks at.
    """
    with services.engine.connect() as connection:
        ref = job_objects.find_checkpoint(connection, job_id, step)
    return ranges.respond(request, services.objects, ref, MEDIA_TYPE)


@router.get("/arrays/member", response_class=StreamingResponse, responses={200: _BYTES, **_ERRORS})
def get_member(
    job_id: Number, step: StepNumber, services: Services, _: Reader, replica: ReplicaNumber = None
) -> StreamingResponse:
    """The state of one network of a replica job: safetensors with `parameters/…`, `buffers/…` and `slots/…`."""
    with services.engine.connect() as connection:
        place = members.find_member(connection, job_id, step, replica)
    size, chunks = members.stream(services.objects, place)
    return StreamingResponse(chunks, media_type=MEDIA_TYPE, headers={"Content-Length": str(size)})


@router.get(
    "/objects/{name:path}",
    response_class=StreamingResponse,
    responses={200: _BYTES, 206: _BYTES, **_ERRORS, **documented("range")},
)
def get_object(job_id: Number, name: ObjectName, request: Request, services: Services, _: Reader) -> Response:
    """An object, as stored, or the range of it asked for. Its SHA-256 is in the manifest and in the `ETag`."""
    with services.engine.connect() as connection:
        ref = job_objects.find(connection, job_id, name)
    return ranges.respond(request, services.objects, ref, MEDIA_TYPE)
