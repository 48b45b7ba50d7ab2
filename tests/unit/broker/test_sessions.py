"""Telling the Managed Server: every session by itself, again after every break."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from webvdi.access.tickets import TicketOffice
from webvdi.base.tasks import TaskOwner
from webvdi.broker import sessions as sessions_module
from webvdi.broker.sessions import Link, Screen, Sessions
from webvdi.broker.views import Visitor
from webvdi.display.endpoint import UnixEndpoint
from webvdi.link.control_face import decode_control, encode_control
from webvdi.link.frames import MAX_CONTROL_BYTES, FrameReader
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.wire.to_viewer import MachineState, Role

KEY = b"k" * 32
LIVE = Screen("One", MachineState.CONNECTING, "", UnixEndpoint(Path("/run/one")), "1")
OFF = Screen("One", MachineState.OFF, "It is off.", None, "1")
OWNER = Visitor("owner", Role.OWNER)


@dataclass
class FakeScreens:
    """Screens that are as the test says."""

    screens: dict[str, Screen] = field(default_factory=dict)
    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    async def sessions(self) -> Sequence[str]:
        return tuple(self.screens)

    async def screen(self, session: str) -> Screen | None:
        if session in self.slow:
            await self.slow[session].wait()
        return self.screens.get(session)

    async def revoked(self) -> Sequence[str]:
        return self.ended


class FakeServer:
    """A Managed Server that remembers what it was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.known: list[str] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.silent: set[str] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        try:
            yield
        finally:
            self._server.close()
            self.hang_up()
            self.path.unlink(missing_ok=True)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def say(self, event: dict[str, Any]) -> None:
        for writer in self._writers:
            writer.write(encode_control(event))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        frames = FrameReader(MAX_CONTROL_BYTES)
        while data := await reader.read(1 << 16):
            for message in frames.feed(data):
                self._answer(decode_control(message), writer)

    def _answer(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        number, op = request.pop("id"), request["op"]
        answer = self.answers.get(op, {"ok": True})
        if op == "sessions":
            answer = {"sessions": [{"name": name} for name in self.known]}
        else:
            self.told.put_nowait(request)
        if op not in self.silent:
            writer.write(encode_control({"id": number, **answer}))

    async def hears(self, op: str, **fields: Any) -> dict[str, Any]:
        """Wait for a request; it must be the next one."""
        request = await self.told.get()
        assert request["op"] == op, request
        assert {key: request.get(key) for key in fields} == fields
        return request


@pytest.fixture
def screens() -> FakeScreens:
    return FakeScreens({"m-1": LIVE})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FakeServer]:
    server = FakeServer(tmp_path / "control.sock")
    async with server.running():
        yield server


@pytest.fixture
async def sessions(
    screens: FakeScreens, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sessions]:
    monkeypatch.setattr(sessions_module, "RECONNECT_S", 0.0)
    sessions = Sessions(screens, server.path, KEY, clock=lambda: 100.0, patience_s=0.05)
    async with TaskOwner("test") as tasks:
        tasks.start(sessions.run(), name="sessions")
        yield sessions


async def test_a_session_is_opened_once(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears(
        "open_session", session="m-1", title="One", endpoint="unix:/run/one", generation="1"
    )
    sessions.refresh("m-1")
    screens.screens["m-2"] = replace(LIVE, title="Two")
    sessions.refresh("m-2")
    await server.hears("open_session", session="m-2")
    assert server.told.empty()


async def test_every_change_is_told(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears("open_session")

    async def becomes(screen: Screen, op: str, **fields: Any) -> None:
        screens.screens["m-1"] = screen
        sessions.refresh("m-1")
        await server.hears(op, session="m-1", **fields)

    paused = replace(LIVE, state=MachineState.PAUSED, detail="Paused.")
    await becomes(paused, "set_state", state=MachineState.PAUSED, detail="Paused.")
    await becomes(LIVE, "set_state", state=MachineState.LIVE)
    await becomes(OFF, "set_state", state=MachineState.OFF, detail="It is off.")
    starting = Screen("One", MachineState.CONNECTING, "", None, "2")
    await becomes(starting, "set_state", state=MachineState.CONNECTING)
    await becomes(replace(LIVE, generation="2"), "open_session", generation="2")
    await becomes(replace(LIVE, generation="2", title="New"), "open_session", title="New")
    tls = {"fingerprint": "ab"}
    secret = replace(LIVE, generation="3", password="secret", tls=tls)
    await becomes(secret, "open_session", password="secret", tls=tls)


async def test_a_deleted_machine_is_closed_and_may_come_again(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears("open_session")
    del screens.screens["m-1"]
    sessions.refresh("m-1")
    await server.hears("close_session", session="m-1")
    with pytest.raises(ServerUnavailable):
        await sessions.ticket("m-1", OWNER, view_only=False, name="")
    screens.screens["m-1"] = LIVE
    sessions.refresh("m-1")
    await server.hears("open_session", session="m-1")


async def test_a_new_server_is_told_all_and_what_it_remembers_wrongly_is_closed(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears("open_session")
    server.known = ["m-1", "m-gone"]
    screens.ended = ["s-1"]
    server.hang_up()
    await server.hears("revoke", share="s-1")
    await server.hears("close_session", session="m-gone")
    await server.hears("open_session", session="m-1")


async def test_a_slow_machine_delays_no_other(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears("open_session")
    screens.slow["m-2"] = asyncio.Event()
    screens.screens |= {"m-2": LIVE, "m-3": LIVE}
    sessions.refresh("m-2")
    sessions.refresh("m-3")
    await server.hears("open_session", session="m-3")
    assert await sessions.ticket("m-3", OWNER, view_only=False, name="")
    screens.slow["m-2"].set()
    await server.hears("open_session", session="m-2")


async def test_a_lost_endpoint_is_looked_at_again(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears("open_session")
    screens.screens["m-1"] = replace(LIVE, generation="2")
    server.say({"event": "endpoint_lost", "session": "m-1", "generation": "1", "message": ""})
    await server.hears("open_session", generation="2")


async def test_a_session_that_is_refused_is_told_again_when_it_changes(
    sessions: Sessions, server: FakeServer, screens: FakeScreens
) -> None:
    await server.hears("open_session")
    server.answers["open_session"] = {"error": "no such endpoint"}
    screens.screens["m-1"] = replace(LIVE, generation="2")
    sessions.refresh("m-1")
    await server.hears("open_session", generation="2")
    del server.answers["open_session"]
    sessions.refresh("m-1")
    await server.hears("open_session", generation="2")


@pytest.mark.parametrize(
    ("who", "view_only", "role"),
    [
        (OWNER, False, Role.OWNER),
        (OWNER, True, Role.OBSERVER),
        (Visitor("share:s-1:x", Role.CONTROLLER, "s-1", 130.0), False, Role.CONTROLLER),
        (Visitor("share:s-1:x", Role.OBSERVER, "s-1", 130.0), False, Role.OBSERVER),
    ],
)
async def test_tickets_say_who_comes_and_until_when(
    sessions: Sessions, server: FakeServer, who: Visitor, view_only: bool, role: Role
) -> None:
    await server.hears("open_session")
    text = await sessions.ticket("m-1", who, view_only=view_only, name="Kim")
    ticket = TicketOffice(KEY, opened=0.0).check(text, now=101.0)
    assert (ticket.session, ticket.role, ticket.subject) == ("m-1", role, who.subject)
    assert (ticket.share, ticket.until) == (who.share or "", who.until or 0.0)
    assert ticket.name == "Kim"


async def test_without_a_server_there_are_no_tickets(screens: FakeScreens, tmp_path: Path) -> None:
    sessions = Sessions(screens, tmp_path / "none.sock", KEY, patience_s=0.01)
    with pytest.raises(ServerUnavailable, match="being restarted"):
        await sessions.ticket("m-1", OWNER, view_only=False, name="")
    await sessions.revoke("s-1")  # is told when there is one


async def test_a_revocation_is_told_at_once(sessions: Sessions, server: FakeServer) -> None:
    await server.hears("open_session")
    await sessions.revoke("s-1")
    await server.hears("revoke", share="s-1")


async def test_pictures(sessions: Sessions, server: FakeServer) -> None:
    await server.hears("open_session")
    data = base64.b64encode(b"jpeg").decode()
    server.answers["picture"] = {"version": "7", "media_type": "image/jpeg", "data": data}
    picture = await sessions.thumbnail("m-1", 320, 200, None)
    await server.hears("picture", session="m-1", width=320, height=200, known=None)
    assert (picture.data, picture.media_type) == (b"jpeg", "image/jpeg")
    server.answers["picture"] = {"unchanged": True}
    again = await sessions.thumbnail("m-1", 320, 200, picture.etag)
    await server.hears("picture", known="7")
    assert (again.etag, again.data) == (picture.etag, None)
    await sessions.thumbnail("m-1", 100, 100, picture.etag)  # of another size: not known
    await server.hears("picture", known=None)
    server.answers["picture"] = {"none": "nobody has seen it yet"}
    assert (await sessions.thumbnail("m-1", 9, 9, None)).missing == "nobody has seen it yet"
    await server.hears("picture")
    assert await sessions.screenshot("m-1") is None
    await server.hears("picture", width=0, height=0)
    server.answers["picture"] = {"version": "8", "media_type": "image/png", "data": data}
    assert await sessions.screenshot("m-1") == (b"jpeg", "image/png")


async def test_the_end_of_a_conversation_is_news_of_what_is_not_known_any_more(
    sessions: Sessions, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: asyncio.Queue[tuple[str, str, object]] = asyncio.Queue()
    monkeypatch.setattr(
        sessions, "_on_link", lambda name: seen.put_nowait(("link", name, sessions.link(name)))
    )
    monkeypatch.setattr(
        sessions,
        "_on_power",
        lambda name: seen.put_nowait(("power", name, sessions.takes_orders(name))),
    )
    await server.hears("open_session")
    server.say({"event": "power", "session": "m-1", "offered": True})
    link = {"state": MachineState.LIVE, "detail": ""}
    server.say({"event": "link", "session": "m-1", "link": link})
    assert await seen.get() == ("power", "m-1", True)
    assert await seen.get() == ("link", "m-1", Link(MachineState.LIVE, ""))
    server.hang_up()
    await server.hears("open_session")  # by a server that knows nothing of a link
    assert [seen.get_nowait() for _ in range(2)] == [
        ("power", "m-1", False),
        ("link", "m-1", None),
    ]
    assert seen.empty()


async def test_who_is_there(
    sessions: Sessions, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(sessions, "_on_viewers", seen.put_nowait)
    await server.hears("open_session")
    server.say({"event": "viewers", "session": "m-1", "count": 2})
    assert await seen.get() == "m-1"
    assert sessions.count("m-1") == 2
    kim = {"viewer": 4, "name": "Kim", "role": 2, "controls": True, "since": 99.0}
    server.answers["viewers"] = {"people": [kim]}
    (person,) = await sessions.people("m-1")
    assert (person.name, person.role, person.controls) == ("Kim", "controller", True)
    assert sessions.count("m-1") == 1
    server.hang_up()
    await server.hears("viewers")
    await server.hears("open_session")
    assert sessions.count("m-1") == 0
