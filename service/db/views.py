"""The views of schema `results`, as the database describes them."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from schemas import units
from schemas.comments import Comment

_COLUMNS = """
    select c.relname, obj_description(c.oid, 'pg_class'), a.attname, format_type(a.atttypid, a.atttypmod),
           col_description(c.oid, a.attnum)
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'results'::regnamespace and c.relkind in ('v', 'm')
    order by c.relname, a.attnum
"""


class Undescribed(ValueError):
    """Views or columns lack words, or a unit that can be read."""


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view."""

    name: str
    type: str
    comment: Comment


@dataclass(frozen=True)
class View:
    """A view of schema `results`."""

    name: str
    meaning: str
    columns: tuple[ViewColumn, ...]


def read_views(connection: Connection) -> dict[str, View]:
    """The views of schema `results`, by name, as their comments describe them.

    Raises:
        Undescribed: a view or column has no comment, or a column's comment gives no known unit.
    """
    meanings = dict[str, str | None]()
    columns = dict[str, list[ViewColumn]]()
    faults = []
    for view, meaning, name, kind, said in connection.execute(text(_COLUMNS)):
        meanings[view] = meaning
        try:
            comment = Comment.read(said or "")
        except ValueError as error:
            faults.append(f"results.{view}.{name}: {error}")
            continue
        if not units.known(comment.unit):
            faults.append(f"results.{view}.{name}: {comment.unit!r} is no unit of schemas/units.py")
        columns.setdefault(view, []).append(ViewColumn(name, kind, comment))
    faults.extend(f"results.{view}: the view has no comment" for view, meaning in meanings.items() if not meaning)
    if faults:
        raise Undescribed("; ".join(faults))
    return {name: View(name, meanings[name] or "", tuple(found)) for name, found in columns.items()}
