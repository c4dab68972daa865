"""The role as which people query: it reads the views of schema `results` of one database, and nothing else.

Whoever holds its password can lift the settings of its sessions (read-only transactions, a statement timeout). What
keeps it from writing is that it has no right to anything but the views. Functions that Postgres lets everybody call
are taken from it as well, where they write, or take locks that the queue waits for.
"""

import secrets

from psycopg2.extensions import encrypt_password
from sqlalchemy import Connection, text

from service.db.engine import normalised
from service.db.literals import literal
from service.errors import Conflict

CONNECTIONS = 32
"""Sessions that it may have at once."""

_GROUP = "holonomy_reader"
_SUFFIX = "_query"
_LONGEST_NAME = 63

_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "600s",
    "idle_in_transaction_session_timeout": "60s",
    "search_path": "results",
    "timezone": "UTC",
}
_SETTINGS_OF_SUPERUSERS = {
    # A sort that spills without limit fills the disk for everybody.
    "temp_file_limit": "8GB",
}

# Advisory locks stop submissions, claims and retention; large objects and messages in the log fill the disk.
_FUNCTIONS = text("""
    select string_agg(oid::regprocedure::text, ', ') from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace
      and (proname ~ '^pg_(try_)?advisory_' or proname in ('pg_logical_emit_message', 'lo_creat', 'lo_create',
                                                           'lo_from_bytea'))
""")
_OWNERS = text("""
    select string_agg(distinct quote_ident(pg_get_userbyid(owner)), ', ')
    from (select datdba from pg_database where datname = current_database()
          union select relowner from pg_class where oid = 'public.jobs'::regclass) as owners(owner)
""")

_SITUATION = text("""
    select rolsuper as super, rolcreaterole or rolsuper as may_create,
           to_regnamespace('results') is not null as migrated,
           exists (select from pg_roles where rolname = :role) as there,
           exists (select from pg_roles where rolname = :group) as group_there
    from pg_roles where rolname = current_user
""")


def reader_role(url: str) -> str:
    """Name of the role for the database that a DSN names."""
    return f"{normalised(url).database}"[: _LONGEST_NAME - len(_SUFFIX)] + _SUFFIX


def reader_url(url: str, password: str) -> str:
    """The DSN of the same database for the role."""
    parsed = normalised(url).set(drivername="postgresql", username=reader_role(url), password=password)
    return parsed.render_as_string(hide_password=False)


def new_password() -> str:
    """A password that nobody guesses."""
    return secrets.token_urlsafe(24)


def has_reader(connection: Connection, role: str) -> bool:
    """Whether the role is there."""
    return bool(connection.execute(_SITUATION, {"role": role, "group": _GROUP}).one().there)


def ensure_reader(connection: Connection, role: str, password: str) -> None:
    """Make the role, or bring the one that is there to these rights, these settings and this password.

    Raises:
        Conflict: the schema is not there yet, or the connection's user may not make roles.
    """
    found = connection.execute(_SITUATION, {"role": role, "group": _GROUP}).one()
    if not found.migrated:
        raise Conflict("not_migrated", "the database has no schema yet: run `holonomy db upgrade` first")
    if not found.may_create:
        raise Conflict(
            "may_not_create_roles",
            f"the database's user may not make the role {role}: let a superuser run `alter role … createrole` for it",
        )
    name = _quoted(connection, role)
    settings = _SETTINGS | _SETTINGS_OF_SUPERUSERS if found.super else _SETTINGS
    # Only the verifier is sent: statements may be logged.
    verifier = encrypt_password(password, role, connection.connection.driver_connection, "scram-sha-256")
    database = _quoted(connection, str(connection.engine.url.database))
    for statement in (
        *(() if found.group_there else (f"create role {_GROUP} nologin",)),
        *(() if found.there else (f"create role {name}",)),
        f"alter role {name} with login inherit connection limit {CONNECTIONS} password {literal(verifier)}",
        *(f"alter role {name} set {setting} = {literal(value)}" for setting, value in settings.items()),
        f"grant {_GROUP} to {name}",
        f"grant usage on schema results to {_GROUP}",
        f"grant select on all tables in schema results to {_GROUP}",
        f"grant connect on database {database} to {name}",
        # Everybody may, by default; Holonomy itself does as the database's owner.
        f"revoke temporary on database {database} from public",
        *(_functions_withheld(connection) if found.super else ()),
    ):
        connection.exec_driver_sql(statement)


def _functions_withheld(connection: Connection) -> tuple[str, str]:
    """Only a superuser may say who calls them, and in this database alone."""
    functions = connection.execute(_FUNCTIONS).scalar_one()
    return (
        f"grant execute on function {functions} to {connection.execute(_OWNERS).scalar_one()}",
        f"revoke execute on function {functions} from public",
    )


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
