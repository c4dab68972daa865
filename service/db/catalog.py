"""What schema `results` holds, as the database tells it."""

from sqlalchemy import Connection, text

_VIEWS = text("""
    select table_name, array_agg(column_name::text order by ordinal_position) as columns
    from information_schema.columns where table_schema = 'results' group by table_name order by table_name
""")


def result_views(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Views by name, each with its columns in order."""
    return {row.table_name: tuple(row.columns) for row in connection.execute(_VIEWS)}
