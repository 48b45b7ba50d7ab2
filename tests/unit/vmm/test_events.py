"""Events: hints with a bound."""

import asyncio

from webvdi.vmm.events import MAX_QUEUED, EventHub, MachineGone
from webvdi.vmm.machine import MachineId


def gone(number: int) -> MachineGone:
    return MachineGone(MachineId(str(number)))


async def test_each_subscriber_hears_what_comes_after_it() -> None:
    hub = EventHub()
    first = hub.subscribe()
    hub.publish(gone(1))
    second = hub.subscribe()
    hub.publish(gone(2))
    hub.close()
    assert [event async for event in first] == [gone(1), gone(2)]
    assert [event async for event in second] == [gone(2)]


async def test_a_slow_subscriber_loses_the_oldest() -> None:
    hub = EventHub()
    slow = hub.subscribe()
    for number in range(MAX_QUEUED + 3):
        hub.publish(gone(number))
    hub.close()
    assert [event async for event in slow] == [gone(n) for n in range(3, MAX_QUEUED + 3)]


async def test_a_waiting_subscriber_is_woken() -> None:
    hub = EventHub()
    events = hub.subscribe()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(anext(events))
        await asyncio.sleep(0)
        hub.publish(gone(1))
    assert waiting.result() == gone(1)


async def test_a_subscription_can_end_early_and_twice() -> None:
    hub = EventHub()
    events = hub.subscribe()
    await events.aclose()
    await events.aclose()
    hub.publish(gone(1))
    assert [event async for event in events] == []
