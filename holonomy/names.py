"""Names that people choose, checked before anything is sent."""

from pydantic import TypeAdapter, ValidationError

from holonomy.errors import Refused
from schemas.base import Name

_NAME = TypeAdapter[str](Name)


def check_name(what: str, name: str) -> None:
    """See that a name is one.

    Args:
        what: What it names, for the message: `dataset`.
        name: The name.

    Raises:
        Refused: it is not.
    """
    try:
        _NAME.validate_python(name)
    except ValidationError:
        raise Refused(
            f"the name of a {what} is up to 100 letters, digits, dots, dashes and underscores, the first a letter or "
            f"digit; came {name!r}"
        ) from None
