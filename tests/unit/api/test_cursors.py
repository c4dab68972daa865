import pytest

from service.api import cursors
from service.api.problems import ProblemError


def test_round_trip() -> None:
    assert cursors.decode("jobs", cursors.encode("jobs", "123456789012345678")) == 123456789012345678
    assert cursors.encode("jobs", None) is None
    assert cursors.decode("jobs", None) is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "💣", cursors.encode("blocks", "3"), cursors.encode("jobs", "-1"), "am9iczo"]
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(ProblemError, match="not one of this list"):
        cursors.decode("jobs", cursor)
