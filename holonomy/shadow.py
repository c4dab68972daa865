"""Holonomy's packages have plain names; another installed `schemas`, `service` or `workers` must not stand in."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

SIBLINGS = ("schemas", "service", "workers")


def refuse_shadows(home: Path, names: Sequence[str] = SIBLINGS) -> None:
    """Check that each name resolves to the package beside `home`, without importing it.

    Raises:
        ImportError: a name is missing or belongs to something else.
    """
    for name in names:
        found = _location(name)
        expected = home.parent / name
        if found is None:
            raise ImportError(f"holonomy is not whole: expected the package {name!r} in {expected}; install it again")
        if found.resolve() != expected.resolve():
            raise ImportError(
                f"another package named {name!r} hides Holonomy's: expected {expected}, came {found}; "
                "uninstall it, rename it, or run from another folder"
            )


def _location(name: str) -> Path | None:
    """Folder (or file) that `import NAME` would load; None when there is none."""
    loaded = sys.modules.get(name)
    spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return None if spec.origin is None else Path(spec.origin)
