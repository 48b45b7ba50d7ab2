"""Hints about changes."""

from webvdi.broker.hub import ChangeHub
from webvdi.broker.views import Change


async def test_equal_hints_that_wait_are_one() -> None:
    hub = ChangeHub()
    listener = hub.listen()
    for change in (Change("machine", "a"), Change("machine", "b"), Change("machine", "a")):
        hub.publish(change)
    hub.close()
    assert [change.id async for change in listener] == ["a", "b"]
