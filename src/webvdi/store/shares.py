"""Queries about share links."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from webvdi.store.records import ShareRecord
from webvdi.store.schema import shares


class ShareQueries:
    """Queries about share links, on the connection of a transaction."""

    _connection: AsyncConnection

    async def add_share(self, record: ShareRecord) -> None:
        """Keep a new one."""
        names = ShareRecord.__dataclass_fields__
        values = {name: getattr(record, name) for name in names}
        await self._connection.execute(shares.insert().values(**values))

    async def shares(self, machine: str | None = None) -> tuple[ShareRecord, ...]:
        """All, or those of one machine, the newest first."""
        query = sa.select(shares).order_by(shares.c.created.desc(), shares.c.id)
        if machine is not None:
            query = query.where(shares.c.machine == machine)
        rows = (await self._connection.execute(query)).mappings()
        return tuple(ShareRecord(**row) for row in rows)

    async def share(
        self, share: str | None = None, *, token_hash: str | None = None
    ) -> ShareRecord | None:
        """The one with this id, or whose token hashes to *token_hash*."""
        condition = (
            shares.c.token_hash == token_hash if token_hash is not None else shares.c.id == share
        )
        row = (await self._connection.execute(sa.select(shares).where(condition))).mappings()
        found = row.first()
        return None if found is None else ShareRecord(**found)

    async def set_share(self, share: str, **changes: Any) -> None:
        """Change some columns of one."""
        await self._connection.execute(
            shares.update().where(shares.c.id == share).values(**changes)
        )

    async def count_share(self, share: str) -> None:
        """Note that somebody came in by it."""
        await self.set_share(share, used=shares.c.used + 1)

    async def remove_shares(self, machine: str) -> None:
        """Forget those of a machine."""
        await self._connection.execute(shares.delete().where(shares.c.machine == machine))

    async def drop_ended_shares(self, before: float) -> None:
        """Forget those that expired, or were revoked, before *before*."""
        ended = sa.or_(shares.c.expires < before, shares.c.revoked < before)
        await self._connection.execute(shares.delete().where(ended))
