"""Events: who hears of what, for how long, and at whose cost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from support.portal import TestPortal
from webvdi.base.hub import MAX_QUEUED
from webvdi.broker.views import Change
from webvdi.portal.api.events import EventStream
from webvdi.portal.site import Caller
from webvdi.portal.streams import MAX_STREAMS


class Reader:
    """Somebody's stream, read event by event."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next event that is no ping."""
        while True:
            text = (await anext(self._stream)).decode()
            fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            if "event" in fields:
                return fields["event"], json.loads(fields["data"])

    async def ping(self) -> bytes:
        return await anext(self._stream)

    async def ended(self) -> bool:
        """Whether it ends after what is left of it."""
        async for _ in self._stream:
            pass
        return True


class World(TestPortal):
    """A portal whose streams are read without a network."""

    async def caller(self, cookies: dict[str, str]) -> tuple[Request, Caller]:
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        headers = [(b"host", b"127.0.0.1:8470"), (b"cookie", cookie.encode())]
        scope: dict[str, object] = {"type": "http", "path": "/", "headers": headers}
        scope |= {"query_string": b"", "webvdi.local": False}
        request = Request(scope)
        caller = await self.site.identify(request)
        assert caller is not None
        return request, caller

    @asynccontextmanager
    async def reads(
        self, cookies: dict[str, str], *, ping_s: float = 60.0
    ) -> AsyncIterator[Reader]:
        request, caller = await self.caller(cookies)
        events = EventStream(self.site, request, caller, ping_s=ping_s).events()
        reader = Reader(events)
        assert await reader.next() == ("hello", {})
        try:
            yield reader
        finally:
            await events.aclose()  # type: ignore[attr-defined]

    def publish(self, kind: Any, about: str) -> None:
        self.use_cases.hub.publish(Change(kind, about))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add("a")
    world.add("b")
    return world


@pytest.fixture
def owner(world: World) -> dict[str, str]:
    return dict(world.owner().cookies)


@pytest.fixture
def guest(world: World) -> dict[str, str]:
    return dict(world.guest("a").cookies)


async def test_the_owner_hears_of_everything(world: World, owner: dict[str, str]) -> None:
    async with world.reads(owner) as reader:
        for kind in ("machine", "gone", "viewers", "guest", "image", "share"):
            world.publish(kind, f"the-{kind}")
            assert await reader.next() == ("change", {"kind": kind, "id": f"the-{kind}"})


async def test_visitors_hear_of_their_machine_alone(world: World, guest: dict[str, str]) -> None:
    mine, other = [view.id for view in await world.use_cases.catalogue.list()]
    async with world.reads(guest) as reader:
        for kind in ("machine", "viewers", "guest", "image", "share"):
            world.publish(kind, other)
        world.publish("image", mine)
        world.publish("gone", mine)
        assert await reader.next() == ("change", {"kind": "gone", "id": mine})


async def test_a_quiet_stream_pings(world: World, owner: dict[str, str]) -> None:
    async with world.reads(owner, ping_s=0.001) as reader:
        assert await reader.ping() == b": ping\n\n"
        assert await reader.ping() == b": ping\n\n"


async def test_a_revoked_link_ends_its_streams_at_once(
    world: World, guest: dict[str, str], owner: dict[str, str]
) -> None:
    async with world.reads(guest) as visitors, world.reads(owner) as owners:
        await world.revoke_all()
        assert await visitors.ended()
        assert (await owners.next())[1]["kind"] == "share"


async def test_who_logs_out_hears_no_more_and_others_do(
    world: World, owner: dict[str, str]
) -> None:
    leaving = world.owner()
    async with world.reads(dict(leaving.cookies)) as left, world.reads(owner) as stayed:
        assert leaving.post("/logout").status_code == 204
        assert await left.ended()
        world.publish("image", "i")
        assert await stayed.next() == ("change", {"kind": "image", "id": "i"})


async def test_another_links_end_is_nothing_to_a_visitor(
    world: World, guest: dict[str, str]
) -> None:
    mine = (await world.use_cases.catalogue.get("a")).id
    async with world.reads(guest) as reader:
        world.publish("share", "another")
        world.publish("machine", mine)
        assert await reader.next() == ("change", {"kind": "machine", "id": mine})


async def test_another_who_comes_by_the_link_ends_nothing(world: World) -> None:
    client, token = world.stranger(), world.link("a", control=False)
    assert client.post("/api/v1/join", json={"token": token}).status_code == 200
    mine = (await world.use_cases.catalogue.get("a")).id
    async with world.reads(dict(client.cookies)) as reader:
        assert world.stranger().post("/api/v1/join", json={"token": token}).status_code == 200
        world.publish("share", "any")
        world.publish("machine", mine)
        assert await reader.next() == ("change", {"kind": "machine", "id": mine})


async def test_a_stream_ends_with_the_access(world: World, guest: dict[str, str]) -> None:
    async with world.reads(guest) as reader:
        world.now += 25 * 3600
        mine = (await world.use_cases.catalogue.get("a")).id
        world.publish("machine", mine)  # wakes it; what is left of its time is none
        assert await reader.ended()


async def test_a_stopping_process_ends_its_streams(world: World, owner: dict[str, str]) -> None:
    async with world.reads(owner) as reader:
        world.site.end_streams()
        assert await reader.ended()


async def test_a_slow_reader_costs_nobody_anything(world: World, owner: dict[str, str]) -> None:
    async with world.reads(owner) as slow, world.reads(owner) as quick:
        for number in range(2 * MAX_QUEUED):
            world.publish("machine", f"m-{number}")
            assert (await quick.next())[1]["id"] == f"m-{number}"
        assert (await slow.next())[1]["id"] == f"m-{MAX_QUEUED}"


async def test_a_stream_that_is_left_is_forgotten(world: World, owner: dict[str, str]) -> None:
    request, caller = await world.caller(owner)
    gone = asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    sent = asyncio.Queue[Message]()
    stream = EventStream(world.site, request, caller)
    answering = asyncio.Task(stream({**request.scope, "asgi": {}}, receive, sent.put))
    start = await sent.get()
    headers = dict(start["headers"])
    assert headers[b"x-accel-buffering"] == b"no"
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert b"hello" in (await sent.get())["body"]
    assert world.use_cases.hub._listeners
    gone.set()
    await answering
    assert not world.use_cases.hub._listeners
    assert not world.site.streams._open


def test_streams_are_bounded(world: World) -> None:
    client, other = world.owner(), world.guest("a")
    held = [world.site.streams.one("owner") for _ in range(MAX_STREAMS)]
    for one in held:
        one.__enter__()
    answer = client.get("/api/v1/events")
    assert answer.status_code == 429
    assert answer.json()["reason"] == "too_many_streams"
    world.site.end_streams()
    assert other.get("/api/v1/events").status_code == 200
