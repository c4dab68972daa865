"""Why a query gave nothing, in one line that says what to do."""

import re
from collections.abc import Callable, Mapping

from schemas.nearest import did_you_mean
from schemas.query_bodies import LONGEST_SECONDS
from service.api import problems
from service.api.problems import ProblemError
from service.db.arrow_faults import CANCELLED, QueryFault
from service.db.statement import Statement

Views = Mapping[str, tuple[str, ...]]

_QUOTED = re.compile(r'"([^"]+)"')
_NAMED = re.compile(r"column (\S+) ")


def told(fault: QueryFault, statement: Statement, timeout_seconds: float, views: Callable[[], Views]) -> ProblemError:
    """The answer to a query that failed.

    Args:
        fault: what Postgres said.
        statement: what was run.
        timeout_seconds: how long it had.
        views: looks up the views of schema `results`, for names close to one that is not known.
    """
    said = str(fault)
    match fault.sqlstate:
        case "25006":
            return _refused("query_writes", f"{said}: a query may only read; this role has no right to anything else")
        case "42501":
            return _refused(
                "query_not_allowed", f"{said}: a query may only read, and only the views of schema results"
            )
        case "42601" if fault.position is None:
            return _refused("query_not_one", f"one statement at a time: {said}; send them one after the other")
        case "42P01":
            name = _QUOTED.search(said)
            known = views()
            meant = did_you_mean(name[1].removeprefix("results."), known) if name else ""
            return _refused("query_refused", f"{_at(fault, statement)}{said}; there are: {', '.join(known)}{meant}")
        case "42703":
            return _refused("query_refused", _at(fault, statement) + said + (_hint(fault) or _close(said, views())))
        case state if state == CANCELLED:
            longer = (
                "" if timeout_seconds >= LONGEST_SECONDS else f", or give it longer (up to {LONGEST_SECONDS:g} s)"
            )
            return _refused(
                "query_too_long", f"it took longer than {timeout_seconds:g} s and was stopped: ask for less{longer}"
            )
        case str(state) if state.startswith(("08", "28", "3D", "57")) or state == "53300":
            return problems.unavailable("the database does not answer queries; try again in a moment")
        case _:
            return _refused("query_refused", _at(fault, statement) + said + _hint(fault))


def _refused(kind: str, detail: str) -> ProblemError:
    return ProblemError("invalid", f"query: {detail}", kind=kind)


def _at(fault: QueryFault, statement: Statement) -> str:
    if fault.position is None:
        return ""
    line, column = statement.line_and_column(fault.position)
    return f"line {line}, column {column}: "


def _hint(fault: QueryFault) -> str:
    return f"; {fault.hint}" if fault.hint else ""


def _close(said: str, views: Views) -> str:
    name = _NAMED.search(said)
    columns = {column for columns in views.values() for column in columns}
    return did_you_mean(name[1].strip('"').rpartition(".")[2], columns) if name else ""
