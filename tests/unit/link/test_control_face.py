"""The broker's end of the control face, against a server of the test."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from webvdi.base.errors import RemoteProtocolError
from webvdi.base.tasks import TaskOwner
from webvdi.link.control_face import (
    ControlClient,
    ControlFailed,
    decode_control,
    encode_control,
    peer_uid,
)
from webvdi.link.frames import MAX_CONTROL_BYTES, FrameReader
from webvdi.link.viewer_face import ServerUnavailable

Answer = Callable[[dict[str, Any], asyncio.StreamWriter], None]


@asynccontextmanager
async def conversation(
    path: Path, answer: Answer, events: list[dict[str, Any]]
) -> AsyncIterator[ControlClient]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader(MAX_CONTROL_BYTES)
        while data := await reader.read(4096):
            for message in frames.feed(data):
                answer(decode_control(message), writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    async with TaskOwner("test") as tasks:
        client = await ControlClient.connect(path, events.append)
        tasks.start(client.serve(), name="serve")
        yield client
        client.close()
    server.close()


async def test_answers_find_their_questions_and_events_their_listener(tmp_path: Path) -> None:
    held: list[dict[str, Any]] = []

    def answer(request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        held.append(request)
        if len(held) == 2:  # in the other order, with an event between
            for message in (
                {"id": held[1]["id"], "pid": 2},
                {"event": "endpoint_lost", "session": "demo"},
                {"id": 999, "pid": 0},
                {"id": held[0]["id"], "pid": 1},
            ):
                writer.write(encode_control(message))

    events: list[dict[str, Any]] = []
    async with conversation(tmp_path / "c", answer, events) as client:
        first, second = await asyncio.gather(client.request("one"), client.request("two"))
    assert (first["pid"], second["pid"]) == (1, 2)
    assert events == [{"event": "endpoint_lost", "session": "demo"}]


async def test_an_error_is_raised_with_the_servers_words(tmp_path: Path) -> None:
    def answer(request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(encode_control({"id": request["id"], "error": "no such session"}))

    async with conversation(tmp_path / "c", answer, []) as client:
        with pytest.raises(ControlFailed, match="no such session"):
            await client.request("close_session", session="x")


async def test_who_waits_learns_that_the_server_is_gone(tmp_path: Path) -> None:
    def answer(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with conversation(tmp_path / "c", answer, []) as client:
        with pytest.raises(ServerUnavailable, match="went away"):
            await client.request("ping")


async def test_no_server_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable):
        await ControlClient.connect(tmp_path / "nobody", print)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_control_message_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_control(data)


def test_the_other_ends_user_is_known() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(ours) == os.getuid()
