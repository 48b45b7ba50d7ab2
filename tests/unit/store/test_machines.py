"""Queries about machines and their journal."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.store_records import machine_record
from webvdi.base.errors import Conflict
from webvdi.store import Database, JournalRecord, open_database
from webvdi.store.machines import MAX_JOURNAL


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "db") as records:
        yield records


async def test_a_record_comes_back_as_it_went(records: Database) -> None:
    record = machine_record(
        "m-1",
        "one",
        spec={"name": "one", "disks": [{"path": "/a"}]},
        images=("i-1", "i-2"),
        autostart=3,
        notes="日本語\n",
        start=True,
    )
    async with records.write() as q:
        await q.add_machine(record)
        assert await q.machine("m-1") == record
        assert await q.machine("one") == record
        assert await q.machine("other") is None


async def test_an_id_goes_before_a_name_that_looks_like_it(records: Database) -> None:
    async with records.write() as q:
        await q.add_machine(machine_record("m-1", "m-2"))
        await q.add_machine(machine_record("m-2", "other"))
        found = await q.machine("m-2")
    assert found is not None
    assert found.name == "other"


async def test_names_are_unique_also_when_they_change(records: Database) -> None:
    async with records.write() as q:
        await q.add_machine(machine_record("m-1", "one"))
        await q.add_machine(machine_record("m-2", "two"))
        with pytest.raises(Conflict, match="'one'"):
            await q.set_machine("m-2", name="one")
        assert await q.set_machine("m-2", name="three", spec=None)
        assert [record.name for record in await q.machines()] == ["one", "three"]
        assert not await q.set_machine("m-9", notes="nobody's")


async def test_a_change_may_depend_on_the_phase(records: Database) -> None:
    async with records.write() as q:
        await q.add_machine(machine_record("m-1", "one", phase="deleting"))
        assert not await q.set_machine("m-1", while_in="creating", phase="ready", notes="x")
        assert await q.machine("m-1") == machine_record("m-1", "one", phase="deleting")
        assert await q.set_machine("m-1", while_in="deleting", notes="x")


async def test_the_journal_keeps_the_newest_and_goes_with_its_machine(records: Database) -> None:
    async with records.write() as q:
        await q.add_machine(machine_record("m-1", "one"))
        await q.add_machine(machine_record("m-2", "two"))
        await q.note(JournalRecord("m-2", 0.0, "created", "other"))
        for number in range(MAX_JOURNAL + 5):
            await q.note(JournalRecord("m-1", float(number), "started", f"{number}"))
        entries = await q.journal("m-1", MAX_JOURNAL * 2)
        assert [entry.text for entry in entries] == [f"{n}" for n in range(5, MAX_JOURNAL + 5)]
        assert [entry.text for entry in await q.journal("m-1", 2)] == ["503", "504"]
        await q.remove_machine("m-1")
        await q.remove_machine("m-1")
        assert await q.journal("m-1", 9) == ()
        assert len(await q.journal("m-2", 9)) == 1


async def test_a_note_about_nobody_is_dropped(records: Database) -> None:
    async with records.write() as q:
        await q.note(JournalRecord("m-9", 1.0, "exit", "too late"))
        assert await q.journal("m-9", 9) == ()
