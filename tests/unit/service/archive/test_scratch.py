"""Temporary files, and a disk without room for them."""

import errno

import pytest

from service.archive.scratch import scratch_folder
from service.objects import Unavailable


def test_nothing_is_left_behind() -> None:
    with scratch_folder() as folder:
        (folder / "file").write_bytes(b"bytes")
    assert not folder.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_to_who_can_make_room(number: int) -> None:
    with pytest.raises(Unavailable, match="has no room for temporary files: whoever runs it"), scratch_folder():
        raise OSError(number, "No space left on device")


def test_other_faults_of_the_disk_stay_what_they_are() -> None:
    with pytest.raises(PermissionError), scratch_folder():
        raise PermissionError(errno.EACCES, "Permission denied")
