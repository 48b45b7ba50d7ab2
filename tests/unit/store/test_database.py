"""The file with the records: made, migrated, refused, shared, copied."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from support.store_records import machine_record
from webvdi.base.errors import Conflict
from webvdi.store import SchemaTooNew, StoreUnavailable, database, open_database
from webvdi.store.schema import HEAD, metadata


async def test_the_migrations_make_the_tables_that_the_queries_expect(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db"):
        pass
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_head_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(database._MIGRATIONS))
    assert scripts.get_current_head() == HEAD
    assert {script.revision for script in scripts.walk_revisions()} == database._known()


async def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as records, records.write() as q:
        await q.add_machine(machine_record("m-1", "one"))
    async with open_database(tmp_path / "db") as records, records.read() as q:
        assert await q.machine("one") == machine_record("m-1", "one")


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as records, records.write() as q:
        await q.add_machine(machine_record("m-1", "one"))
        for path in (tmp_path / "db", tmp_path / "db-wal", tmp_path / "db-shm"):
            mode = (await asyncio.to_thread(path.stat)).st_mode
            assert mode & 0o777 == 0o600


async def test_a_file_of_a_newer_webvdi_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "db"
    async with open_database(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match=r"newer webvdi.*9999.*nothing was changed"):
        async with open_database(path):
            pass
    assert path.read_bytes() == before


async def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"something else entirely, of more than a hundred bytes" * 20)
    with pytest.raises(StoreUnavailable, match="is no database of webvdi"):
        async with open_database(tmp_path / "db"):
            pass


async def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="missing/db"):
        async with open_database(tmp_path / "missing/db"):
            pass


async def test_an_exception_undoes_the_whole_transaction(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as records:

        async def twice() -> None:
            async with records.write() as q:
                await q.add_machine(machine_record("m-1", "one"))
                await q.add_machine(machine_record("m-2", "one"))

        with pytest.raises(Conflict):
            await twice()
        async with records.read() as q:
            assert await q.machines() == ()


async def test_writers_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    """What a transaction reads is what it changes, also with another open database beside it."""
    async with open_database(tmp_path / "db") as one, open_database(tmp_path / "db") as two:
        async with one.write() as q:
            await q.add_machine(machine_record("m-1", "one", autostart=0))

        async def count(records: database.Database) -> None:
            for _ in range(10):
                async with records.write() as q:
                    record = await q.machine("m-1")
                    assert record is not None
                    assert record.autostart is not None
                    await q.set_machine("m-1", autostart=record.autostart + 1)

        await asyncio.gather(count(one), count(two), count(one))
        async with two.read() as q:
            record = await q.machine("m-1")
        assert record is not None
        assert record.autostart == 30


async def test_two_that_open_a_new_file_at_once_both_succeed(tmp_path: Path) -> None:
    async def once() -> None:
        async with open_database(tmp_path / "db"):
            pass

    await asyncio.gather(once(), once(), once())


async def test_a_copy_made_while_it_is_open_is_whole(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as records:
        async with records.write() as q:
            await q.add_machine(machine_record("m-1", "one"))
        source, copy = sqlite3.connect(tmp_path / "db"), sqlite3.connect(tmp_path / "copy")
        source.backup(copy)
        source.close()
        copy.close()
    async with open_database(tmp_path / "copy") as records, records.read() as q:
        assert await q.machine("one") is not None
