"""Rows of one statement as Arrow record batches, in constant memory and about a million rows a second.

ADBC's driver wraps the statement into `COPY (…) TO STDOUT (FORMAT binary)` and decodes what arrives. A COPY takes no
bound parameters: `service.db.literals` writes values.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Lock

import adbc_driver_manager as adbc
import adbc_driver_postgresql as driver
import pyarrow as pa

from service.db.arrow_faults import QueryFault, faults_told
from service.db.arrow_types import NoPlainType, plain_batch, plain_schema
from service.db.engine import libpq_url
from service.db.watchdog import Watchdog

BATCH_BYTES = 2**20
"""Size of a batch as Postgres sends it: the first is there after a hundredth of a second."""

_NO_COPY = re.compile(r"\s*(explain|show)\b", re.IGNORECASE)


class Batches:
    """What a statement gives: the schema, and batches to iterate over once."""

    def __init__(self, reader: pa.RecordBatchReader, dog: Watchdog, ends_at: float) -> None:
        self.schema = _unambiguous(reader.schema)
        """Names and plain types of the columns."""
        self.exhausted = False
        """Whether the last batch was read."""
        self._reader = reader
        self._dog = dog
        self._ends_at = ends_at

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The batches, none of them empty.

        Raises:
            QueryFault: the statement failed or took too long, or the connection broke.
        """
        while True:
            with faults_told(self._dog, self._ends_at):
                batch = next(self._reader, None)
            self._dog.pat()
            if batch is None:
                self.exhausted = True
                return
            if batch.num_rows:
                yield plain_batch(batch, self.schema)


class ArrowDatabase:
    """Runs statements on one database; safe to use from several threads. Nothing is connected before the first.

    Args:
        url: The DSN, in any of the forms that `service.db.engine.normalised` takes.
        application: Shown in `pg_stat_activity`.
        kept: Connections kept for the statements to come. With none, each statement has a connection of its own, and
            what it sets for its session ends with it.
        connect_timeout_seconds: Longest wait for a connection.

    Raises:
        ValueError: the DSN does not name a Postgres database.
    """

    def __init__(
        self, url: str, *, application: str = "holonomy", kept: int = 0, connect_timeout_seconds: int = 5
    ) -> None:
        self._url = libpq_url(url, application=application, connect_timeout_seconds=connect_timeout_seconds)
        self._kept = kept
        self._lock = Lock()
        self._database: adbc.AdbcDatabase | None = None
        self._idle: list[adbc.AdbcConnection] = []

    @contextmanager
    def open(
        self,
        sql: str,
        *,
        timeout_seconds: float,
        pause_seconds: float | None = None,
        batch_bytes: int = BATCH_BYTES,
    ) -> Iterator[Batches]:
        """Run a statement and read what it gives, inside the context.

        Args:
            sql: One statement, without parameters.
            timeout_seconds: Longest it may take until its last batch was read. Postgres keeps to it, and so does a
                watchdog here, because a statement can lift Postgres' own limit.
            pause_seconds: Longest a batch may take to come and to be asked for, if that is to be shorter.
            batch_bytes: Size of a batch as Postgres sends it.

        Raises:
            QueryFault: the statement was refused, failed or took too long, or the database does not answer.
        """
        ends_at = time.monotonic() + timeout_seconds
        pause = timeout_seconds if pause_seconds is None else pause_seconds
        with ExitStack() as stack:
            connection = self._connection(timeout_seconds)
            stack.callback(connection.close)
            with (
                closing(_statement(connection, sql, batch_bytes)) as statement,
                # Half a second later than Postgres, which says best what happened.
                Watchdog(statement.cancel, pause + 0.5, timeout_seconds + 0.5) as dog,
            ):
                with faults_told(dog, ends_at):
                    stream, _ = statement.execute_query()
                    reader = pa.RecordBatchReader.from_stream(stream)
                batches = Batches(reader, dog, ends_at)
                yield batches
            if batches.exhausted and self._keep(connection):
                stack.pop_all()

    def close(self) -> None:
        """Close the kept connections; statements that run go on."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _keep(self, connection: adbc.AdbcConnection) -> bool:
        with self._lock:
            if len(self._idle) >= self._kept:
                return False
            self._idle.append(connection)
            return True

    def _connection(self, timeout_seconds: float) -> adbc.AdbcConnection:
        """A connection with this statement timeout; a kept one that was lost meanwhile is passed over."""
        limit = f"set statement_timeout = {int(timeout_seconds * 1000)}"
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            with faults_told():
                connection = self._connected() if kept is None else kept
                try:
                    with closing(_statement(connection, limit)) as statement:
                        statement.execute_update()
                    return connection
                except adbc.Error:
                    connection.close()
                    if kept is None:
                        raise

    def _connected(self) -> adbc.AdbcConnection:
        with self._lock:
            # It learns the database's types once, which takes longer than connecting.
            if self._database is None:
                self._database = driver.connect(self._url)
            database = self._database
        return adbc.AdbcConnection(database)


def _statement(connection: adbc.AdbcConnection, sql: str, batch_bytes: int = BATCH_BYTES) -> adbc.AdbcStatement:
    statement = adbc.AdbcStatement(connection)
    options = {driver.StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(batch_bytes)}
    if _NO_COPY.match(sql):
        options[driver.StatementOptions.USE_COPY.value] = "false"
    statement.set_options(**options)
    statement.set_sql_query(sql)
    return statement


@contextmanager
def open_batches(
    url: str, sql: str, *, timeout_seconds: float, batch_bytes: int = BATCH_BYTES, application: str = "holonomy"
) -> Iterator[Batches]:
    """Run one statement on a connection of its own; see `ArrowDatabase.open`."""
    with ArrowDatabase(url, application=application).open(
        sql, timeout_seconds=timeout_seconds, batch_bytes=batch_bytes
    ) as batches:
        yield batches


def _unambiguous(schema: pa.Schema) -> pa.Schema:
    seen = set[str]()
    for name in schema.names:
        if name in seen:
            raise QueryFault(f'two columns are called "{name}": name them apart with `as`', "42701")
        seen.add(name)
    try:
        return plain_schema(schema)
    except NoPlainType as error:
        raise QueryFault(str(error), "0A000") from None
