"""The file with the records: opened, brought up to date, read and written in transactions.

SQLite in WAL mode behind aiosqlite, whose thread does the waiting: the event loop never blocks on
the disk.  Every write transaction begins with ``BEGIN IMMEDIATE``, so what it reads is what it
changes, also beside other processes.  A copy made by ``sqlite3 webvdi.db ".backup …"`` is whole
at any time; so is a copy of the three files while nobody has them open.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from webvdi.store.errors import SchemaTooNew, StoreUnavailable
from webvdi.store.images import ImageQueries
from webvdi.store.machines import MachineQueries
from webvdi.store.schema import HEAD
from webvdi.store.shares import ShareQueries

BUSY_TIMEOUT_MS = 10_000
"""How long a transaction waits for another process's; ours take milliseconds."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """The records.  Made by :func:`open_database`."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self._path = path

    @asynccontextmanager
    async def read(self) -> AsyncIterator["Queries"]:
        """A transaction that sees one state of all records.  Raises ``StoreUnavailable``."""
        async with self._transaction("BEGIN") as connection:
            yield Queries(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator["Queries"]:
        """A transaction that may change records; an exception undoes all of it."""
        async with self._transaction("BEGIN IMMEDIATE") as connection:
            yield Queries(connection)

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql(begin)
                try:
                    yield connection
                except BaseException:
                    await connection.rollback()
                    raise
                await connection.commit()
        except DBAPIError as error:
            raise _unavailable(self._path, error.orig or error) from error

    async def close(self) -> None:
        """Let go of the file."""
        await self._engine.dispose()


class Queries(MachineQueries, ShareQueries, ImageQueries):
    """All that can be asked within a transaction."""


@asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[Database]:
    """The records at *path*, made or brought up to date where need be.

    Raises :class:`SchemaTooNew` and leaves the file as it is, :class:`StoreUnavailable`.
    """
    engine = _engine(path)
    try:
        try:
            await asyncio.to_thread(path.touch, 0o600)  # SQLite's other files follow its mode
            await _bring_up_to_date(engine, path)
        except (DBAPIError, OSError) as error:
            reason = error.orig or error if isinstance(error, DBAPIError) else error
            raise _unavailable(path, reason) from error
        yield Database(engine, path)
    finally:
        await engine.dispose()


def _engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(sa.URL.create("sqlite+aiosqlite", database=str(path)))

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: object) -> None:
        # Transactions are begun by us: sqlite3's own habit is to begin them at the first change,
        # too late for what was read before.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What was answered "done" is done, also after a power failure (WAL's default is weaker).
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    return engine


async def _bring_up_to_date(engine: AsyncEngine, path: Path) -> None:
    if await _checked_revision(engine, path) == HEAD:
        return
    # SQLite refuses, rather than waits, where two turn a file to WAL at once: one goes first.
    with path.with_name(path.name + ".lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if await _checked_revision(engine, path) == HEAD:
            return
        async with engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            await connection.run_sync(_migrate)
            await connection.commit()


async def _checked_revision(engine: AsyncEngine, path: Path) -> str | None:
    found = await _revision(engine)
    if found is not None and found != HEAD and found not in _known():
        raise SchemaTooNew(path, found, HEAD)
    return found


async def _revision(engine: AsyncEngine) -> str | None:
    """The schema that the file has; None for a new file."""
    async with engine.connect() as connection:
        tables = await connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        )
        if tables.first() is None:
            return None
        row = (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).first()
        return None if row is None else str(row[0])


def _known() -> set[str]:
    """The revisions that this webvdi has steps for."""
    return {file.name[1:5] for file in (_MIGRATIONS / "versions").glob("r[0-9]*.py")}


def _migrate(connection: sa.Connection) -> None:
    # Alembic is imported only when there is something to do: a start is faster without it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _unavailable(path: Path, error: BaseException) -> StoreUnavailable:
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return StoreUnavailable(f"{path} is no database of webvdi; move it away, or mend it")
    return StoreUnavailable(
        f"the records in {path} cannot be used: {error}; look at the free space and the "
        "permissions there"
    )
