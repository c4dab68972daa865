import subprocess
import sys
from typing import get_args

import pytest

from schemas.blocks import ErrorKind
from workers.errors import BlockFault, Cancelled, MemoryFault, Unavailable, UserFault
from workers.outcome import Finished


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (BlockFault, "internal"),
        (UserFault, "user"),
        (MemoryFault, "memory"),
        (Unavailable, "unavailable"),
        (Cancelled, "cancelled"),
    ],
)
def test_a_fault_says_how_it_is_treated(fault: type[BlockFault], kind: str) -> None:
    assert fault("why").kind == kind
    assert kind in get_args(ErrorKind)
    assert str(fault("why")) == "why"


def test_a_fault_may_carry_what_was_stored() -> None:
    partial = Finished(data={"steps": 3})
    assert UserFault("why", partial).partial is partial
    assert UserFault("why").partial is None


def test_faults_and_the_context_come_without_torch() -> None:
    code = "import sys, workers.errors, workers.context; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
