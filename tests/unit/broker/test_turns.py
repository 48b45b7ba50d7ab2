"""Who adds to an upload: the newest, and only one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from webvdi.base.errors import Conflict
from webvdi.broker.turns import Turns


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def fails(after: int = 0) -> AsyncIterator[bytes]:
    for _ in range(after):
        yield b""
    raise TimeoutError("of its own")


async def test_pieces_come_as_they_are_until_their_end() -> None:
    turn = await Turns().take("u-1")
    coming = pieces(b"a", b"b")
    assert [await turn.next_piece(coming) for _ in range(3)] == [b"a", b"b", None]


async def test_the_newest_of_many_goes_last_and_each_alone() -> None:
    turns, order = Turns(), list[int]()

    async def one(number: int) -> None:
        turn = await turns.take("u-1")
        order.append(number)
        await asyncio.sleep(0)
        assert order[-1] == number
        turn.leave()

    await asyncio.gather(*(one(number) for number in range(5)))
    assert sorted(order) == list(range(5))
    assert "u-1" not in turns


async def test_who_is_busy_with_a_piece_gives_way_before_the_next() -> None:
    turns = Turns()
    turn = await turns.take("u-1")
    coming = pieces(b"a", b"b")
    await turn.next_piece(coming)
    following = asyncio.Task(turns.take("u-1"))
    await asyncio.sleep(0)
    with pytest.raises(Conflict):
        await turn.next_piece(coming)
    assert not following.done()
    turn.leave()
    assert await following is not turn


async def test_others_uploads_are_their_own() -> None:
    turns = Turns()
    await turns.take("u-1")
    await turns.take("u-2")
    assert "u-1" in turns
    assert "u-2" in turns


async def test_a_failure_of_the_source_is_its_own() -> None:
    turn = await Turns().take("u-1")
    with pytest.raises(TimeoutError, match="of its own"):
        await turn.next_piece(fails())
