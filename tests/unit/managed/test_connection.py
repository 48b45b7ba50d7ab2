"""After a farewell a connection is still open for a moment: nothing must go wrong in it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from support.reports import Reports
from webvdi.link.frames import MAX_TO_VIEWER_BYTES, FrameReader, frame
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.messages import Admission, MachineTold
from webvdi.managed.session import Session
from webvdi.wire.from_viewer import Attach, Credential, FromViewer, Ping, Pong, encode_from_viewer
from webvdi.wire.to_viewer import (
    Farewell,
    MachineState,
    Reason,
    Role,
    ToViewer,
    decode_to_viewer,
)

AGAIN = Attach(Credential.TICKET, "again")


def said(*messages: FromViewer) -> bytes:
    return b"".join(frame(encode_from_viewer(message)) for message in messages)


@dataclass
class Scene:
    """A session, and one viewer in it by an observer's share link."""

    session: Session
    reports: Reports
    connection: ViewerConnection
    viewer: socket.socket

    async def heard(self) -> list[ToViewer]:
        """All that the viewer was told, to the end of the connection."""
        loop = asyncio.get_running_loop()
        data = b""
        async with asyncio.timeout(10):
            while more := await loop.sock_recv(self.viewer, 1 << 16):
                data += more
        self.viewer.close()
        async with asyncio.timeout(10):
            await self.connection.gone.wait()
        return [decode_to_viewer(one) for one in FrameReader(MAX_TO_VIEWER_BYTES).feed(data)]

    async def farewells(self) -> list[Reason]:
        return [one.reason for one in await self.heard() if isinstance(one, Farewell)]


@asynccontextmanager
async def scene(rest: bytes = b"") -> AsyncIterator[Scene]:
    reports = Reports()
    with ThreadPoolExecutor(1) as pool:
        session = Session("demo", "Demo", pool, reports)
        viewer, ours = socket.socketpair()
        viewer.setblocking(False)
        ours.setblocking(False)
        connection = await ViewerConnection.adopt(ours, session, rest)
        session.attach(connection, Admission(Role.OBSERVER, "share:s:v", "", "s", since=0.0))
        connection.start()
        yield Scene(session, reports, connection, viewer)
        await session.close(Reason.SESSION_ENDED, "")
        assert not reports.failure.is_set()


@pytest.mark.parametrize("then", [AGAIN, Ping(7)])
async def test_what_comes_behind_a_mistake_in_the_same_bytes_is_passed_over(
    then: FromViewer,
) -> None:
    async with scene(said(AGAIN, then)) as on:
        heard = await on.heard()
        assert [m.reason for m in heard if isinstance(m, Farewell)] == [Reason.PROTOCOL_ERROR]
        assert not [m for m in heard if isinstance(m, Pong)]


async def test_news_after_a_farewell_reach_the_others_and_hurt_nobody() -> None:
    async with scene(frame(b"\xff no such message")) as on:
        on.session._handle(MachineTold(MachineState.PAUSED, ""))
        assert await on.farewells() == [Reason.PROTOCOL_ERROR]


async def test_a_session_that_closes_says_no_second_farewell() -> None:
    async with scene(said(AGAIN)) as on:
        closing = asyncio.get_running_loop().create_task(
            on.session.close(Reason.SESSION_ENDED, "closed")
        )
        assert await on.farewells() == [Reason.PROTOCOL_ERROR]
        await closing
