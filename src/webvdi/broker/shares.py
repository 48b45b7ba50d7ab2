"""Share links: a secret that lets its bearer look at one machine, or act on it, for a while."""

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from webvdi.base.errors import NotFound, Refused
from webvdi.broker.views import MachineView, ShareView
from webvdi.store import Database, ShareRecord

DEFAULT_EXPIRY_S = 24 * 3600.0
MAX_EXPIRY_S = 365 * 24 * 3600.0
MAX_LABEL = 200
"""Characters."""
MAX_SHARES = 1000
"""Links of one host that have not ended; they are listed whole."""
REMEMBERED_S = 7 * 24 * 3600.0
"""How long a link that has ended stays in the list."""


class Shares(Protocol):
    """The share links."""

    async def create(
        self, machine: str, *, control: bool, expires_in_s: float | None = None, label: str = ""
    ) -> tuple[ShareView, str]:
        """A new link to *machine* (id or name), and its token, which is told only now.

        *expires_in_s* None is 24 hours; at most 365 days.  Raises ``NotFound``, ``Refused``.
        """
        ...

    async def list(self, machine: str | None = None) -> tuple[ShareView, ...]:
        """The links of *machine*, or all, the newest first; ended ones stay for a week."""
        ...

    async def revoke(self, share_id: str) -> None:
        """End a link at once, also for those who came in by it.  A repeat does nothing.

        Raises ``NotFound``.
        """
        ...

    async def find(self, token: str, *, count: bool = False) -> ShareView | None:
        """The link of *token*, if it is valid now; *count* notes that somebody came in."""
        ...

    async def valid(self, share_id: str) -> ShareView | None:
        """The link, if it is valid now."""
        ...


class ShareBook:
    """:class:`Shares` in the store: of a token only what it hashes to is kept."""

    def __init__(
        self,
        records: Database,
        get: Callable[[str], Awaitable[MachineView]],
        revoke: Callable[[str], Awaitable[None]],
        on_change: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """*get* finds machines, *revoke* tells the Managed Server."""
        self._records = records
        self._get = get
        self._tell_revoked = revoke
        self._on_change = on_change
        self._clock = clock

    async def create(
        self, machine: str, *, control: bool, expires_in_s: float | None = None, label: str = ""
    ) -> tuple[ShareView, str]:
        """As the contract says."""
        there = await self._get(machine)
        lasts = DEFAULT_EXPIRY_S if expires_in_s is None else expires_in_s
        if not 0 < lasts <= MAX_EXPIRY_S:
            raise Refused("a link is good for up to 365 days", reason="bad_request")
        if len(label) > MAX_LABEL:
            raise Refused(f"a label has at most {MAX_LABEL} characters", reason="bad_request")
        now = self._clock()
        token = secrets.token_urlsafe(32)
        record = ShareRecord(
            id=f"s-{secrets.token_hex(5)}",
            machine=there.id,
            control=control,
            label=label,
            token_hash=_hash(token),
            created=now,
            expires=now + lasts,
            used=0,
            revoked=None,
        )
        async with self._records.write() as q:
            await q.drop_ended_shares(now - REMEMBERED_S)
            if sum(_is_valid(share, now) for share in await q.shares()) >= MAX_SHARES:
                raise Refused(f"{MAX_SHARES} links are enough; revoke some", reason="too_many")
            await q.add_share(record)
        self._on_change(record.id)
        return _view(record, there.name), token

    async def list(self, machine: str | None = None) -> tuple[ShareView, ...]:
        """As the contract says."""
        wanted = None if machine is None else (await self._get(machine)).id
        async with self._records.read() as q:
            records = await q.shares(wanted)
        now = self._clock()
        ended_since = now - REMEMBERED_S
        recent = [r for r in records if min(r.expires, r.revoked or r.expires) > ended_since]
        named = [await self._named(record) for record in recent]
        return tuple(view for view in named if view is not None)

    async def revoke(self, share_id: str) -> None:
        """As the contract says."""
        async with self._records.write() as q:
            record = await q.share(share_id)
            if record is None:
                raise NotFound("share", share_id)
            if record.revoked is None:
                await q.set_share(share_id, revoked=self._clock())
        # What we serve ourselves ends first: it need not wait for the Managed Server.
        self._on_change(share_id)
        # Told also on a repeat: perhaps it was not heard the first time.
        await self._tell_revoked(share_id)

    async def find(self, token: str, *, count: bool = False) -> ShareView | None:
        """As the contract says."""
        async with self._records.read() as q:
            record = await q.share(token_hash=_hash(token))
        if record is None or not _is_valid(record, self._clock()):
            return None
        if count:
            async with self._records.write() as q:
                await q.count_share(record.id)
            self._on_change(record.id)
        return await self.valid(record.id)

    async def valid(self, share_id: str) -> ShareView | None:
        """As the contract says."""
        async with self._records.read() as q:
            record = await q.share(share_id)
        if record is None or not _is_valid(record, self._clock()):
            return None
        return await self._named(record)

    async def _named(self, record: ShareRecord) -> ShareView | None:
        """With its machine's name; None where that is gone."""
        try:
            there = await self._get(record.machine)
        except NotFound:
            return None
        return _view(record, there.name) if there.id == record.machine else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_valid(record: ShareRecord, now: float) -> bool:
    return record.revoked is None and record.expires > now


def _view(record: ShareRecord, name: str) -> ShareView:
    return ShareView(
        id=record.id,
        machine=record.machine,
        machine_name=name,
        control=record.control,
        label=record.label,
        created=record.created,
        expires=record.expires,
        used=record.used,
        revoked=record.revoked is not None,
    )
