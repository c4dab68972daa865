"""How jobs and sweeps are named on the command line."""

import pytest

from holonomy.cli.exports import numbers
from holonomy.errors import Refused


def test_jobs_and_sweeps_are_told_apart() -> None:
    assert numbers(["12", "sweep:3", "7"]) == ([12, 7], [3])


@pytest.mark.parametrize("one", ["twelve", "sweep:", "sweep:x", "-1", "²", "run:3"])
def test_anything_else_is_refused(one: str) -> None:
    with pytest.raises(Refused, match="jobs are named by their numbers and sweeps as sweep:NUMBER; came"):
        numbers([one])
