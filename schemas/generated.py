"""Files that are written from the code, committed, and checked for drift."""

import sys
from collections.abc import Mapping
from pathlib import Path


def keep(files: Mapping[Path, str], source: str, module: str, *, check: bool) -> int:
    """Write the files, or say on standard error which differ.

    Args:
        files: The text that each should hold.
        source: What they are made from, in words.
        module: The module that writes them when it is run.
        check: Only compare.

    Returns:
        The exit code: 1 where a file differs from what it should hold, and `check` is asked for.
    """
    if not check:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        sys.stderr.write(f"{path.name} does not match {source}: run `python -m {module}`\n")
    return 1 if stale else 0
