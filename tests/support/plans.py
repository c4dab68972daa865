"""What Postgres did for a statement: its plan, with the rows that it really went through."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event, text

Node = dict[str, Any]


def nodes(plan: Node) -> Iterator[Node]:
    """A plan's nodes, from the top."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def explained(connection: Connection, statement: str, **values: Any) -> list[Node]:
    """The nodes of a statement, which is run; a statement without values is taken as it stands."""
    asked = f"explain (analyze, buffers, format json) {statement}"
    result = connection.execute(text(asked), values) if values else connection.exec_driver_sql(asked)
    answer = result.scalar_one()
    return list(nodes((answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"]))


def touched(plan: list[Node]) -> float:
    """Rows that all scans of tables went through, those that a filter took out among them."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if "Relation Name" in node
    )


def scanned_whole(plan: list[Node]) -> set[str]:
    """Tables that were read from end to end."""
    return {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}


def pages(plan: list[Node]) -> int:
    """Pages of 8 KB that were read, cached or not."""
    return int(plan[0]["Shared Hit Blocks"] + plan[0]["Shared Read Blocks"])


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The SELECTs that run meanwhile, as the driver got them, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.lstrip().lower().startswith(("select", "with")):
            found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
