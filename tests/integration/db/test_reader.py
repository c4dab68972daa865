"""The reading role on a real Postgres: it reads the views, and nothing it tries besides works."""

from contextlib import closing

import psycopg2
import pytest
from psycopg2 import errors

from service.administration import reader_credentials
from service.db.engine import connect, normalised
from service.db.migrate import upgrade
from service.db.reader import reader_role
from service.errors import Conflict, ServiceError
from tests.support.dispatching import database


@pytest.fixture(scope="module")
def owner_url(postgres_server):
    with database(postgres_server) as url:
        upgrade(url)
        yield url


@pytest.fixture(scope="module")
def url(owner_url):
    return reader_credentials(owner_url, "first")


@pytest.fixture
def run(url):
    """Runs statements in one session of the role that has lifted all it can, each in its own transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True

        def run(sql):
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []

        yield run


def test_it_reads_every_view_without_naming_the_schema(run, owner_url):
    views = run("select table_name from information_schema.views where table_schema = 'results'")
    assert ("pairs",) in views
    for (view,) in views:
        assert run(f"select * from {view} limit 1") == []  # noqa: S608 - names from the database itself


def test_its_sessions_are_read_only_and_bounded(run):
    assert run("show default_transaction_read_only") == [("on",)]
    assert run("show statement_timeout") == [("10min",)]
    assert run("show idle_in_transaction_session_timeout") == [("1min",)]
    assert run("show temp_file_limit") == [("8GB",)]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from public.jobs",
        "select * from public.tokens",
        "select * from public.pairs",
        "select * from pg_authid",
        "insert into results.checkpoints (job_id) values (1)",
        "update results.jobs set name = 'mine'",
        "delete from results.pairs",
        "create table results.mine (x int)",
        "create table public.mine (x int)",
        "create schema mine",
        "create temporary table mine (x int)",
        "truncate public.pairs",
        "alter role current_user superuser",
        "create role friend",
        "copy (select 1) to '/tmp/holonomy-reader'",
        "copy (select 1) to program 'true'",
        "select pg_read_file('/etc/passwd')",
        "select pg_advisory_lock_shared(1)",
        "select pg_try_advisory_xact_lock(1, 2)",
        "select lo_from_bytea(0, 'x')",
        "select lo_create(0)",
        "select pg_logical_emit_message(false, 'a', 'b')",
        "set role holonomy",
        "set session authorization holonomy",
    ],
)
def test_with_its_settings_lifted_it_still_may_do_nothing_else(run, sql):
    run("set default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        run(sql)


def test_what_writes_is_refused_for_writing(run):
    with pytest.raises(errors.ReadOnlySqlTransaction, match="cannot execute CREATE TABLE in a read-only transaction"):
        run("create table results.mine (x int)")


def test_the_password_is_kept_changed_and_never_guessed_at(owner_url, url):
    assert normalised(url).username == reader_role(owner_url)
    assert reader_credentials(owner_url, "first") == url
    with pytest.raises(Conflict, match=r"Postgres does not tell passwords: .*--rotate"):
        reader_credentials(owner_url)
    rotated = reader_credentials(owner_url, rotate=True)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url)
    psycopg2.connect(rotated).close()
    reader_credentials(owner_url, "first")
    psycopg2.connect(url).close()


def test_a_database_without_its_schema_says_what_to_run(postgres_url):
    with pytest.raises(Conflict, match="run `holonomy db upgrade` first"):
        reader_credentials(postgres_url)


def test_an_owner_who_may_not_make_roles_is_told(owner_url, url):
    engine = connect(owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create role plain login password 'plain'")
    engine.dispose()
    plain = normalised(owner_url).set(username="plain", password="plain")
    with pytest.raises(Conflict, match=r"may not make the role .*_query: let a superuser"):
        reader_credentials(plain.render_as_string(hide_password=False), "x")
    with pytest.raises(ServiceError, match="password authentication failed"):
        reader_credentials(plain.set(password="wrong").render_as_string(hide_password=False), "x")


@pytest.fixture(scope="module", autouse=True)
def _no_roles_left(postgres_server):
    yield
    with closing(psycopg2.connect(postgres_server.url)) as connection, connection.cursor() as cursor:
        cursor.execute("drop role if exists plain")
        connection.commit()
