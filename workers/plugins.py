"""Names in specs that installed packages give a meaning to, through Python entry points."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from workers.errors import UserFault

GROUPS = ("holonomy.models", "holonomy.datasets", "holonomy.losses", "holonomy.optimizers")


def factory(group: str, name: str) -> Callable[..., Any]:
    """The callable installed under `name` in the entry-point group `group`.

    Raises:
        UserFault: nothing is installed under that name, or it cannot be imported.
    """
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        installed = ", ".join(sorted(found)) or "none"
        raise UserFault(
            f"{name!r} is not installed on the workers in the entry-point group {group} (installed: {installed}): "
            "install its package in the worker environment or correct the name"
        )
    try:
        made: Callable[..., Any] = found[name].load()
    except (ImportError, AttributeError) as error:
        raise UserFault(f"{name!r} of the entry-point group {group} cannot be imported: {error}") from error
    return made


def call(group: str, name: str, *arguments: Any, **options: Any) -> Any:
    """Call the factory installed under `name`.

    Raises:
        UserFault: it is not installed, or refuses its arguments with a TypeError or ValueError.
    """
    made = factory(group, name)
    try:
        return made(*arguments, **options)
    except (TypeError, ValueError) as error:
        raise UserFault(f"{name!r} of the entry-point group {group} refused its arguments: {error}") from error


def installed() -> dict[str, str]:
    """Versions of the packages that give names to Holonomy, by package; nothing is imported."""
    points = (point for group in GROUPS for point in entry_points(group=group))
    return {point.dist.name: point.dist.version for point in points if point.dist is not None}
