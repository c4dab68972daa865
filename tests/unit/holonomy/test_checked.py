"""Bodies of requests."""

import pytest

from holonomy import Refused
from holonomy.checked import checked
from schemas.projects import ProjectLimits


def test_what_is_wrong_is_told_by_field() -> None:
    assert checked(ProjectLimits, {"max_running_jobs": 3}).max_running_jobs == 3
    with pytest.raises(Refused, match=r"max_running_jobs.*came 0"):
        checked(ProjectLimits, {"max_running_jobs": 0})
