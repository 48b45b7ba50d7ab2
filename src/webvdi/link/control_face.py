"""The control face: how the broker steers the Managed Server.

A unix stream socket for processes of the same user; frames of JSON.  Requests carry ``id`` and
``op`` and are answered with the same ``id`` and either ``ok`` or ``error``; the server also sends
events (``event``, no ``id``), which are hints: ``sessions`` tells the truth.

=================  =======================================  =================================
op                 fields                                   answers
=================  =======================================  =================================
``open_session``   session, title, endpoint, generation,    once known, not once live
                   password and tls if there are any
``set_state``      session, state, detail                   (off and paused machines)
``close_session``  session                                  viewers get a farewell
``revoke``         share                                    its viewers end, its tickets too
``picture``        session, width, height, known            version, media_type, data (base64),
                                                            width, height; or unchanged; or none
``power``          session, order (shutdown, reboot,        done: whether its display takes
                   reset)                                   such orders
``viewers``        session                                  people
``sessions``                                                a list of session records, each
                                                            with power (as the event's offered)
                                                            and link
``ping``                                                    pid
=================  =======================================  =================================

Event ``endpoint_lost`` (session, generation, message) asks for a fresh endpoint, ``viewers``
(session, count) says that people came, went, or passed control on, ``power`` (session, offered)
whether the session's display takes orders for its machine, and ``link`` (session, link: state and
detail, or null) how the link to its display is while one is wanted.
"""

import asyncio
import itertools
import json
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from webvdi.base.errors import RemoteProtocolError, WebvdiError
from webvdi.link.frames import MAX_ANSWER_BYTES, FrameReader, frame
from webvdi.link.viewer_face import ServerUnavailable

REQUEST_TIMEOUT_S = 10.0


class ControlFailed(WebvdiError):
    """The Managed Server answered a request with an error."""


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a unix socket (Linux SO_PEERCRED)."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", data)
    return int(uid)


def encode_control(message: Mapping[str, Any]) -> bytes:
    """A control message as a frame."""
    return frame(json.dumps(dict(message)).encode())


def decode_control(data: bytes) -> dict[str, Any]:
    """A control message.  Raises RemoteProtocolError."""
    try:
        message = json.loads(data)
    except ValueError as error:
        raise RemoteProtocolError("a control message is not JSON") from error
    if not isinstance(message, dict):
        raise RemoteProtocolError("a control message is not a JSON object")
    return message


class ControlClient:
    """The broker's end of the control face.  One connection; when it ends, make another."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, path: Path, on_event: Callable[[dict[str, Any]], None]) -> Self:
        """Connect.  Raises :class:`ServerUnavailable`.  Then :meth:`serve` must run."""
        client = cls(on_event)
        try:
            client._reader, client._writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            raise ServerUnavailable("the Managed Server is not running just now") from error
        return client

    async def serve(self) -> None:
        """Take answers and events until the connection ends."""
        frames = FrameReader(MAX_ANSWER_BYTES)
        try:
            while data := await self._reader.read(1 << 16):
                for message in frames.feed(data):
                    self._take(decode_control(message))
        except OSError:
            pass  # as good as an end
        finally:
            self._writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ServerUnavailable("the Managed Server went away"))

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._on_event(message)
            return
        waiting = self._waiting.pop(message.get("id", 0), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def request(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises :class:`ControlFailed` with the server's words, or :class:`ServerUnavailable`.
        """
        if self._writer.is_closing():
            raise ServerUnavailable("the Managed Server went away")
        number = next(self._numbers)
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._writer.write(encode_control({"id": number, "op": op, **fields}))
        try:
            answer = await asyncio.wait_for(waiting, REQUEST_TIMEOUT_S)
        except TimeoutError as error:
            raise ServerUnavailable("the Managed Server does not answer") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise ControlFailed(str(answer["error"]))
        return answer

    def close(self) -> None:
        """End the connection."""
        self._writer.close()
