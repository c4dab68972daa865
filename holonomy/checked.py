"""What a user gave, checked before anything is sent."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from holonomy.errors import Refused
from schemas.mistakes import explain

M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], body: Mapping[str, Any]) -> M:
    """The body of a request.

    Raises:
        Refused: a field is not what it should be; the message says which and why.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Refused(explain(error, model, body)) from None
