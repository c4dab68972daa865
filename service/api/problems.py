"""Errors as problem+json (RFC 9457): every error that the API answers with is made here.

A `ProblemError` carries a code, which decides the HTTP status and the title. Clients read the code, or the narrower
kind, in `type` (`holonomy:<kind>`); details are for people.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from schemas.api import Problem

MEDIA_TYPE = "application/problem+json"
LONGEST_DETAIL = 2_000
RETRY_AFTER_SECONDS = 2

CODES: dict[str, tuple[int, str]] = {
    "malformed": (400, "Malformed request"),
    "unauthorized": (401, "No valid token"),
    "forbidden": (403, "Not allowed"),
    "not_stored": (404, "Not stored"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "conflict": (409, "Conflict"),
    "dropped": (410, "Dropped by retention"),
    "body_too_large": (413, "Body too large"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "range": (416, "Range beyond the end"),
    "invalid": (422, "Invalid request"),
    "internal": (500, "Internal error"),
    "unavailable": (503, "Temporarily unavailable"),
}
_CODE_OF_STATUS = {status: code for code, (status, _) in CODES.items()}


class ProblemError(HTTPException):
    """A request that cannot be served, with the answer to give.

    Args:
        code: a key of `CODES`.
        detail: one line: what was expected, what came, what to do.
        kind: a narrower name than the code, for `type`.
        errors: for invalid input, one entry per field.
        headers: further response headers.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        kind: str | None = None,
        errors: Sequence[dict[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=CODES[code][0], detail=one_line(detail), headers=dict(headers or {}))
        self.code = code
        self.kind = kind or code
        self.errors = tuple(errors)


def one_line(text: str) -> str:
    """The text without line breaks, and not longer than a person reads."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_DETAIL else flat[: LONGEST_DETAIL - 1] + "…"


def unavailable(detail: str) -> ProblemError:
    """A part that the service stands on is away: the same request may work in a moment."""
    return ProblemError("unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def from_http(error: HTTPException, method: str, path: str) -> ProblemError:
    """What the framework raises (unknown path, wrong method, unreadable body), in our own words."""
    if isinstance(error, ProblemError):
        return error
    headers = dict(error.headers or {})
    match error.status_code:
        case 400:
            return ProblemError("malformed", "the body cannot be read: expected JSON in UTF-8")
        case 404:
            return ProblemError("not_found", f"there is no {path}; the routes are listed in /openapi.json")
        case 405:
            allowed = headers.get("allow") or headers.get("Allow") or "another method"
            return ProblemError(
                "method_not_allowed", f"{method} does not work on {path}; allowed: {allowed}", headers=headers
            )
        case status:
            code = _CODE_OF_STATUS.get(status, "malformed" if status < 500 else "internal")
            return ProblemError(code, str(error.detail), headers=headers)


def response(error: ProblemError, request_id: str) -> Response:
    """The HTTP response of an error."""
    status, title = CODES[error.code]
    body = Problem(
        type=f"holonomy:{error.kind}",
        title=title,
        status=status,
        detail=error.detail,
        request_id=request_id,
        errors=error.errors,
    )
    return Response(body.model_dump_json(), status_code=status, media_type=MEDIA_TYPE, headers=error.headers)


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may answer with these problems."""
    return {CODES[code][0]: {"model": Problem, "description": CODES[code][1]} for code in codes}
