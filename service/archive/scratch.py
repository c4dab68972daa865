"""Room on this machine's disk for files on their way between database, bucket and network."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.objects import Unavailable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of its own, gone afterwards with all that is in it; TMPDIR says where.

    Raises:
        Unavailable: while it was used, the disk was full.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="holonomy-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise Unavailable(
            "the service has no room for temporary files: whoever runs it makes room there, or sets TMPDIR to a "
            "folder with more; then try again"
        ) from None
