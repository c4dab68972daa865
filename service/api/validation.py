"""The 422 for invalid input: where it is, what was expected, what came, and what was probably meant."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from schemas.mistakes import Place, closest, locate, what
from service.api.problems import ProblemError

_SHOWN = 3


def problem(errors: Sequence[Mapping[str, Any]], body: object, model: type[BaseModel] | None) -> ProblemError:
    """The 422 for pydantic's errors.

    Args:
        errors: as `errors()` gives them, locations starting with `body`, `query`, `path` or `header`.
        body: the parsed body, if there was one.
        model: the model of the body.
    """
    parted = [{**error, "in": error["loc"][0], "loc": error["loc"][1:]} for error in errors]
    found = [_entry(error, body, model) for error in closest(parted, body)]
    unique = list({(entry["where"], entry["message"]): entry for entry in found}.values())
    lines = [f"{entry['where']}: {entry['message']}" for entry in unique[:_SHOWN]]
    more = f"; and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
    return ProblemError("invalid", "; ".join(lines) + more, errors=unique)


def _entry(error: Mapping[str, Any], body: object, model: type[BaseModel] | None) -> dict[str, Any]:
    source, location = error["in"], error["loc"]
    if error["type"] == "json_invalid":
        position = location[0] if location else 0
        reason = error["ctx"]["error"]
        return {"in": "body", "where": "body", "message": f"is not JSON: {reason} at character {position}"}
    if source == "body":
        place = locate(location, body, model)
    else:
        place = Place(".".join(str(part) for part in location), None)
    return {"in": source, "where": place.path or source, "message": what(error, place)}
