"""What a part of a report looks like as text."""

import io

from rich.console import Console, RenderableType


def rendered(part: RenderableType) -> str:
    """The part, on a console that is wide enough for anything."""
    file = io.StringIO()
    Console(file=file, width=200).print(part)
    return file.getvalue()
