import pytest

from schemas.blocks import ObjectRef
from workers.errors import BlockFault
from workers.inputs import needed

REF = ObjectRef(name="schedule", key="k", sha256="0" * 64, size_bytes=1)


def test_the_input_of_that_name() -> None:
    assert needed([REF], "schedule") is REF


def test_a_missing_input_is_named() -> None:
    with pytest.raises(BlockFault, match=r"needs the object 'checkpoints/000000003', it was given \['schedule'\]"):
        needed([REF], "checkpoints/000000003")
