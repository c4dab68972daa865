"""An embedded stack for benches of whole jobs: in a folder of its own, with so many workers, gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path

from sqlalchemy import Engine

from holonomy import Client
from service.db.engine import connect
from service.embedded import stack
from service.embedded.access import database_url
from service.embedded.home import Home


@dataclass(frozen=True)
class Service:
    """A running stack: its client and its database."""

    client: Client
    engine: Engine


@contextmanager
def state_folder() -> Iterator[Path]:
    """An empty folder with a short path for the state of a stack; whatever was started in it is ended."""
    folder = Path(tempfile.mkdtemp(prefix="holonomy-bench-", dir="/tmp"))
    try:
        yield folder
    finally:
        stack.down(folder)
        shutil.rmtree(folder)


@contextmanager
def service(folder: Path, slots: int) -> Iterator[Service]:
    """The stack of a folder, with so many workers while the context lasts."""
    before = environ.get("HOLONOMY_SLOTS")
    environ["HOLONOMY_SLOTS"] = str(slots)
    try:
        state = stack.up(folder)
        home = Home(folder)
        engine = connect(database_url(home, state), application="bench")
        with Client(state.url, home.api_token.read_text(encoding="ascii").strip()) as client:
            yield Service(client, engine)
        engine.dispose()
    finally:
        stack.down(folder)
        if before is None:
            del environ["HOLONOMY_SLOTS"]
        else:
            environ["HOLONOMY_SLOTS"] = before
