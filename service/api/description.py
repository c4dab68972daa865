"""What the OpenAPI document says beyond the routes: text around them, and the problems that any may give."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.problems import CODES, MEDIA_TYPE

ABOUT = """\
Jobs are submitted as specs, run in blocks on a cluster, and read back as tables and arrays.

Every route under `/v1` needs a bearer token with the scope it names: `read`, `submit` (which may also read) or
`admin` (which may do all). Errors are `application/problem+json` with a one-line `detail`, and every answer carries
`X-Request-Id`, which is the client's own when it sent one of 8 to 128 letters, digits, `.`, `_`, `:` or `-`.
Lists are paged by key: pass `next` as `cursor`. A 503 has `Retry-After`, and the same request may be sent again.
"""

TAGS = [
    {"name": "jobs", "description": "Submit, look at, cancel, retry."},
    {"name": "sweeps", "description": "Many jobs, submitted, looked at, cancelled and retried as one."},
    {"name": "projects", "description": "Limits on what of a project runs at once."},
    {"name": "schedules", "description": "Sweeps and jobs that are fired at cron instants in a time zone."},
    {"name": "tables", "description": "Results as rows."},
    {"name": "parquet", "description": "Whole tables as Parquet, for many jobs at once."},
    {"name": "query", "description": "Results by SQL, read-only."},
    {"name": "arrays", "description": "Results as arrays."},
    {"name": "datasets", "description": "Import data and name it."},
    {"name": "imports", "description": "Store jobs and sweeps that another installation exported."},
    {"name": "tokens", "description": "Who may do what."},
    {"name": "status", "description": "What runs and what waits."},
    {"name": "health", "description": "For supervisors and Prometheus; no token."},
]

_ANY_REQUEST = ("body_too_large", "internal", "unavailable")
_ANY_GUARDED_REQUEST = ("unauthorized", "forbidden", *_ANY_REQUEST)


def complete(app: FastAPI) -> None:
    """Let the application's OpenAPI document name every problem, as problem+json."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's way


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=app.routes,
    )
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            codes = _ANY_GUARDED_REQUEST if "security" in operation else _ANY_REQUEST
            for code in (*codes, "malformed") if "requestBody" in operation else codes:
                status, title = CODES[code]
                responses.setdefault(str(status), {"description": title})
            for status, response in responses.items():
                if int(status) >= 400:
                    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            operation["responses"] = dict(sorted(responses.items()))
    return document
