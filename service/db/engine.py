"""Connections to Postgres: the one place where a DSN is normalised and timeouts are set."""

from urllib.parse import quote, urlencode

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "postgresql+psycopg2"


def normalised(url: str) -> URL:
    """The same DSN with the driver named.

    SQLAlchemy 2.1 reads the bare form `postgresql://` as psycopg 3; libpq's own `postgres://` is taken as well.

    Raises:
        ValueError: the DSN does not name a Postgres database.
    """
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    expected = "expected a database URL like postgresql://user:password@host:5432/holonomy"
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Not shown: what cannot be parsed may still hold a password.
        raise ValueError(f"{expected}; what came is no URL") from None
    if parsed.get_backend_name() != "postgresql" or not parsed.database:
        raise ValueError(f"{expected}; came {parsed.render_as_string(hide_password=True)}")
    return parsed.set(drivername=DRIVER)


def described(url: str) -> str:
    """Host, port and database of a DSN, without user and password."""
    parsed = normalised(url)
    return f"{parsed.host or 'local socket'}:{parsed.port or 5432}/{parsed.database}"


def connect(
    url: str,
    *,
    application: str = "holonomy",
    pool_size: int = 5,
    connect_timeout_seconds: int = 5,
    statement_timeout_seconds: float | None = 60.0,
    pool_timeout_seconds: float = 30.0,
) -> Engine:
    """An engine whose every call ends: in connecting, in a statement, or on a dead peer within half a minute.

    Args:
        url: The DSN, in any of the forms that `normalised` takes.
        application: Shown in `pg_stat_activity`.
        pool_size: Connections kept open; twice as many are opened under load.
        connect_timeout_seconds: Longest wait for a connection.
        statement_timeout_seconds: Longest a statement may run, waiting for locks included; None sets no limit.
        pool_timeout_seconds: Longest wait for a connection while all are in use.
    """
    return create_engine(
        normalised(url),
        pool_pre_ping=True,
        # Those of a commit are megabytes, and have no place in logs or in a block's error.
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=pool_timeout_seconds,
        connect_args=_libpq_settings(application, connect_timeout_seconds, statement_timeout_seconds),
    )


def libpq_url(
    url: str,
    *,
    application: str,
    connect_timeout_seconds: int = 5,
    statement_timeout_seconds: float | None = None,
) -> str:
    """The DSN with the same settings as `connect` gives a connection, for what stands on libpq without SQLAlchemy.

    Raises:
        ValueError: the DSN does not name a Postgres database.
    """
    parsed = normalised(url)
    settings = _libpq_settings(application, connect_timeout_seconds, statement_timeout_seconds)
    # libpq takes %20 for a space, and + for a plus.
    query = urlencode({**parsed.query, **settings}, doseq=True, quote_via=quote)
    return f"{parsed.set(drivername='postgresql', query={}).render_as_string(hide_password=False)}?{query}"


def _libpq_settings(
    application: str, connect_timeout_seconds: int, statement_timeout_seconds: float | None
) -> dict[str, str | int]:
    options = "-c idle_in_transaction_session_timeout=120000 -c timezone=UTC"
    if statement_timeout_seconds is not None:
        options += f" -c statement_timeout={int(statement_timeout_seconds * 1000)}"
    return {
        "connect_timeout": connect_timeout_seconds,
        "application_name": application,
        "options": options,
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        # Unacknowledged data on a cut link: without this the kernel retransmits for a quarter of an hour.
        "tcp_user_timeout": 25_000,
    }
