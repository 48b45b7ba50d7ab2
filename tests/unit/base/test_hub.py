"""Hints for listeners, none of whom holds up another."""

import asyncio

import pytest

from webvdi.base.hub import MAX_QUEUED, Hub


async def test_each_listener_hears_what_comes_after_it() -> None:
    hub = Hub[str]()
    hub.publish("before")
    first = hub.listen()
    hub.publish("one")
    second = hub.listen()
    hub.publish("two")
    hub.close()
    assert [hint async for hint in first] == ["one", "two"]
    assert [hint async for hint in second] == ["two"]


@pytest.mark.parametrize(("merge", "heard"), [(False, ["a", "b", "a"]), (True, ["a", "b"])])
async def test_equal_hints_that_wait_are_one_where_so_wanted(merge: bool, heard: list[str]) -> None:
    hub = Hub[str](merge=merge)
    listener = hub.listen()
    for hint in ("a", "b", "a"):
        hub.publish(hint)
    hub.close()
    assert [hint async for hint in listener] == heard


@pytest.mark.parametrize("merge", [False, True])
async def test_a_slow_listener_loses_the_oldest(merge: bool) -> None:
    hub = Hub[int](merge=merge)
    slow = hub.listen()
    for number in range(MAX_QUEUED + 3):
        hub.publish(number)
    hub.close()
    assert [hint async for hint in slow] == list(range(3, MAX_QUEUED + 3))


async def test_a_waiting_listener_is_woken() -> None:
    hub = Hub[str]()
    listener = hub.listen()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(anext(listener))
        await asyncio.sleep(0)
        hub.publish("one")
    assert waiting.result() == "one"


async def test_whoever_stops_listening_is_forgotten() -> None:
    hub = Hub[str]()
    listener = hub.listen()
    await listener.aclose()
    await listener.aclose()
    hub.publish("one")
    assert [hint async for hint in listener] == []
