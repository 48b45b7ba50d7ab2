"""Queries about share links."""

from dataclasses import replace
from pathlib import Path

from webvdi.store import ShareRecord, open_database

ONE = ShareRecord(
    id="s-1",
    machine="m-1",
    control=False,
    label="for Kim",
    token_hash="aa",
    created=10.0,
    expires=100.0,
    used=0,
    revoked=None,
)
TWO = replace(ONE, id="s-2", machine="m-2", control=True, token_hash="bb", created=20.0)


async def test_the_life_of_shares(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as records, records.write() as q:
        await q.add_share(ONE)
        await q.add_share(TWO)
        assert await q.shares() == (TWO, ONE)
        assert await q.shares("m-1") == (ONE,)
        assert await q.share("s-2") == TWO
        assert await q.share(token_hash="aa") == ONE
        assert await q.share("aa") is None
        await q.count_share("s-1")
        await q.set_share("s-1", revoked=50.0)
        assert await q.share("s-1") == replace(ONE, used=1, revoked=50.0)
        await q.drop_ended_shares(50.0)
        assert len(await q.shares()) == 2
        await q.drop_ended_shares(51.0)
        assert await q.shares() == (TWO,)
        await q.remove_shares("m-2")
        assert await q.shares() == ()
