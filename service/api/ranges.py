"""Parts of objects over HTTP: a single byte range of RFC 9110, so that downloads go on where they broke off."""

import re
from typing import Protocol

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from service.api.problems import ProblemError
from service.objects import ObjectStore

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Stored(Protocol):
    """An object to be sent."""

    @property
    def key(self) -> str:
        """Its key."""

    @property
    def sha256(self) -> str:
        """Digest of its bytes."""

    @property
    def size_bytes(self) -> int:
        """Its length."""


def respond(request: Request, objects: ObjectStore, stored: Stored, media_type: str) -> Response:
    """The object, the part of it that the request asks for, or for HEAD neither. Its digest is in the `ETag`.

    Several ranges at once, and units other than bytes, are answered with the whole, as is a part of other bytes than
    those that `If-Range` names.

    Raises:
        ProblemError: 416, the range begins beyond the end.
        Missing, Unavailable: see `service.objects`.
    """
    headers = {"ETag": f'"{stored.sha256}"', "Accept-Ranges": "bytes"}
    span = asked(request, stored)
    if span is None:
        headers["Content-Length"] = str(stored.size_bytes)
        if request.method == "HEAD":
            return Response(headers=headers, media_type=media_type)
        return StreamingResponse(objects.stream(stored.key, stored.sha256), media_type=media_type, headers=headers)
    start, stop = span
    headers["Content-Length"] = str(stop - start)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size_bytes}"
    if request.method == "HEAD":
        return Response(status_code=206, headers=headers, media_type=media_type)
    chunks = objects.stream_range(stored.key, start, stop)
    return StreamingResponse(chunks, status_code=206, media_type=media_type, headers=headers)


def asked(request: Request, stored: Stored) -> tuple[int, int] | None:
    """First byte and one past the last that are asked for; None for all of them.

    Raises:
        ProblemError: 416, the range begins beyond the end.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip('"') != stored.sha256:
        return None
    first, last = match.groups()
    size = stored.size_bytes
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise ProblemError(
            "range",
            f"the object has {size:,} bytes; the range {match[0]} begins beyond them",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, stop
