"""Logs of bounded size, for writers that know nothing of it."""

import os
import shutil
from pathlib import Path

LIMIT_BYTES = 8 * 2**20


def bound(folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Move the content of each log beyond the limit to `NAME.log.1` and begin it anew.

    The writers append, so that they go on at the start of the emptied file. No pipe stands between them and the file:
    it would break, and they with it, when the supervisor is killed.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > limit_bytes:
            kept = log.with_name(f"{log.name}.1")
            try:
                shutil.copyfile(log, kept)
            except OSError:  # no room for it, and less if the log is left as it is
                kept.unlink(missing_ok=True)
            os.truncate(log, 0)
