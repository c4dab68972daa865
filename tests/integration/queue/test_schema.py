"""The migrated database is what the tables say, its views too; state moves outside the lists are refused."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import exc, text

from schemas.diagnostic import Diagnostic
from schemas.results import RESULT_TABLES
from schemas.states import BLOCK_MOVES, JOB_MOVES, MENDING_BLOCK_MOVES, MENDING_JOB_MOVES
from service.db.engine import connect
from service.db.migrate import current, head, upgrade
from service.db.schema import metadata

_OTHER_VIEWS = {
    "blocks",
    "job_parents",
    "jobs",
    "provenance",
    "runs",
    "schedule_history",
    "schedules",
    "sweep_fields",
    "sweep_jobs",
    "sweeps",
}
_SET = {
    "jobs": "update jobs set state = :state",
    "blocks": """
        update blocks set state = :state, lease_token = case when :state = 'running' then gen_random_uuid() end
    """,
}


def test_metadata_and_migrations_agree(desk):
    options = {"compare_type": True, "compare_server_default": True}
    with desk.engine.connect() as connection:
        assert current(connection) == head()
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_concurrent_upgrades_are_safe(postgres_url):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(upgrade, [postgres_url] * 4)) == [head()] * 4
    assert upgrade(postgres_url) == head()


def test_views_show_every_result_with_its_meaning(desk):
    rows = desk.sql("""
        select c.table_name, c.column_name,
               col_description(format('results.%I', c.table_name)::regclass, c.ordinal_position) as meaning
        from information_schema.columns c where c.table_schema = 'results' order by c.table_name, c.ordinal_position
    """)
    meanings = {(row.table_name, row.column_name): row.meaning for row in rows}
    for name, table in RESULT_TABLES.items():
        shown = [column for view, column in meanings if view == name]
        assert shown == ["job_id", *(column.name for column in table.columns)]
        for column in table.columns:
            assert meanings[name, column.name] == column.comment
    assert all(meanings.values())
    assert {row.table_name for row in rows} == _OTHER_VIEWS | set(RESULT_TABLES)


def test_columns_can_be_named_without_quotes(desk):
    for name, table in RESULT_TABLES.items():
        columns = ", ".join(column.name for column in table.columns)
        desk.sql(f"select {columns} from results.{name}")  # noqa: S608 - our own names


def test_readers_may_read_views_and_nothing_else(desk):
    with desk.engine.connect() as connection:
        connection.execute(text("set role holonomy_reader"))
        for view in (*_OTHER_VIEWS, *RESULT_TABLES):
            connection.execute(text(f"select * from results.{view}"))  # noqa: S608 - our own names
        with pytest.raises(exc.ProgrammingError, match="permission denied for table jobs"):
            connection.execute(text("select * from public.jobs"))


@pytest.mark.parametrize(("table", "moves"), [("jobs", JOB_MOVES), ("blocks", BLOCK_MOVES)])
def test_only_listed_moves_are_possible(desk, table, moves):
    desk.start(Diagnostic())
    for before, after in permutations(moves, 2):
        desk.sql(f"alter table {table} disable trigger {table}_moves")
        desk.sql(_SET[table], state=before)
        desk.sql(f"alter table {table} enable trigger {table}_moves")
        if after in moves[before]:
            desk.sql(_SET[table], state=after)
        else:
            with pytest.raises(exc.IntegrityError, match=f"cannot go from {before} to {after}"):
                desk.sql(_SET[table], state=after)


@pytest.mark.parametrize(
    ("table", "moves", "mending"),
    [("jobs", JOB_MOVES, MENDING_JOB_MOVES), ("blocks", BLOCK_MOVES, MENDING_BLOCK_MOVES)],
)
def test_who_is_mending_may_make_more_moves(desk, table, moves, mending):
    desk.start(Diagnostic())
    for before, after in permutations(moves, 2):
        desk.sql(f"alter table {table} disable trigger {table}_moves")
        desk.sql(_SET[table], state=before)
        desk.sql(f"alter table {table} enable trigger {table}_moves")
        with desk.engine.begin() as connection:
            connection.execute(text("select set_config('holonomy.mending', 'on', true)"))
            if after in moves[before] | mending.get(before, frozenset()):
                connection.execute(text(_SET[table]), {"state": after})
            else:
                with (
                    pytest.raises(exc.IntegrityError, match=f"from {before} to {after}"),
                    connection.begin_nested(),
                ):
                    connection.execute(text(_SET[table]), {"state": after})


def test_a_statement_ends_in_time(migrated_url):
    engine = connect(migrated_url, statement_timeout_seconds=0.1)
    with engine.connect() as connection, pytest.raises(exc.OperationalError, match="statement timeout"):
        connection.execute(text("select pg_sleep(5)"))
    engine.dispose()
