"""Queries about machines and their journal."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from webvdi.base.errors import Conflict
from webvdi.store.records import JournalRecord, MachineRecord
from webvdi.store.schema import journal, machines

MAX_JOURNAL = 500
"""Entries kept of each machine, the newest."""


class MachineQueries:
    """Queries about machines, on the connection of a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def machines(self) -> tuple[MachineRecord, ...]:
        """All, sorted by name."""
        rows = await self._connection.execute(sa.select(machines).order_by(machines.c.name))
        return tuple(_machine(row) for row in rows.mappings())

    async def machine(self, ref: str) -> MachineRecord | None:
        """The one with this id or, if there is none, this name."""
        query = sa.select(machines).where(sa.or_(machines.c.id == ref, machines.c.name == ref))
        rows = (await self._connection.execute(query)).mappings().all()
        found = sorted((_machine(row) for row in rows), key=lambda record: record.id != ref)
        return found[0] if found else None

    async def add_machine(self, record: MachineRecord) -> None:
        """Keep a new one.  Raises :class:`Conflict` where the name is taken."""
        await self._changing_name(machines.insert().values(**_row(record)), record.name)

    async def set_machine(
        self, machine: str, *, while_in: str | None = None, **changes: Any
    ) -> bool:
        """Change some columns of one; False where there is none (in the phase *while_in*).

        Raises :class:`Conflict` where a new name is taken.
        """
        statement = machines.update().where(machines.c.id == machine).values(**changes)
        if while_in is not None:
            statement = statement.where(machines.c.phase == while_in)
        return await self._changing_name(statement, str(changes.get("name", machine))) > 0

    async def remove_machine(self, machine: str) -> None:
        """Forget one and its journal; a repeat does nothing."""
        await self._connection.execute(machines.delete().where(machines.c.id == machine))

    async def note(self, entry: JournalRecord) -> None:
        """Write *entry* down, and drop the oldest; nothing happens where the machine is gone."""
        there = sa.select(
            sa.literal(entry.machine), sa.literal(entry.when), sa.literal(entry.kind),
            sa.literal(entry.text),
        ).where(sa.exists().where(machines.c.id == entry.machine))  # fmt: skip
        columns = ["machine", "when", "kind", "text"]
        await self._connection.execute(journal.insert().from_select(columns, there))
        newest = (
            sa.select(journal.c.number)
            .where(journal.c.machine == entry.machine)
            .order_by(journal.c.number.desc())
            .limit(MAX_JOURNAL)
        )
        await self._connection.execute(
            journal.delete().where(
                journal.c.machine == entry.machine, journal.c.number.not_in(newest)
            )
        )

    async def journal(self, machine: str, limit: int) -> tuple[JournalRecord, ...]:
        """The newest *limit* entries, the newest last."""
        query = (
            sa.select(journal)
            .where(journal.c.machine == machine)
            .order_by(journal.c.number.desc())
            .limit(limit)
        )
        rows = (await self._connection.execute(query)).mappings().all()
        entries = [JournalRecord(r["machine"], r["when"], r["kind"], r["text"]) for r in rows]
        return tuple(reversed(entries))

    async def _changing_name(self, statement: Any, name: str) -> int:
        try:
            return int((await self._connection.execute(statement)).rowcount)
        except IntegrityError as error:
            raise Conflict("machine", name) from error


def _machine(row: sa.RowMapping) -> MachineRecord:
    return MachineRecord(**{**row, "images": tuple(row["images"])})


def _row(record: MachineRecord) -> dict[str, Any]:
    return {**dataclasses.asdict(record), "images": list(record.images)}
