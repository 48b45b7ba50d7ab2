"""The router: takes connections, checks their tickets, and hands each to its session's worker.

It is off the data path: after the first message the connection belongs to the worker.  What it
knows of the sessions (names, endpoints, states) it keeps in a file, so that after a crash viewers
come back to their machines although the web process may be down.
"""

import asyncio
import base64
import logging
import os
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webvdi.access.revocations import Revocations
from webvdi.access.tickets import TicketInvalid, TicketOffice
from webvdi.base.errors import NotFound, RemoteProtocolError
from webvdi.base.lifeline import watch_lifeline
from webvdi.base.news import is_news
from webvdi.base.tasks import TaskOwner
from webvdi.display.endpoint import parse_endpoint
from webvdi.display.source import PowerOrder
from webvdi.display.tls import TlsPolicy
from webvdi.framebuffer import MAX_SIDE
from webvdi.link.frames import MAX_ATTACH_BYTES, PREAMBLE, frame
from webvdi.managed.book import Book, SessionRecord
from webvdi.managed.broker_face import BrokerFace, Operation
from webvdi.managed.rights import REVOKED
from webvdi.managed.staff import Staff, WorkerUnavailable
from webvdi.wire.from_viewer import Attach, Credential, decode_from_viewer
from webvdi.wire.to_viewer import Farewell, MachineState, Reason, encode_to_viewer

logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_S = 10.0
"""From accepting a connection to its first message."""

MAX_HANDSHAKES = 256
"""Connections that have not said who they are; the rest wait in the listen queue."""

NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class Router:
    """One per Managed Server."""

    def __init__(
        self, viewers: socket.socket, control: socket.socket, memory: Path, key: bytes
    ) -> None:
        self._viewers = viewers
        self._control = control
        self._office = TicketOffice(key, opened=time.time())
        self._revoked = Revocations()
        self._tasks = TaskOwner("router")
        self._book = Book(memory)
        self._people: dict[str, list[dict[str, Any]]] = {}
        """Who looks at each session, as its worker told last."""
        self._power: set[str] = set()
        """Sessions whose display takes orders for its machine, as of now."""
        self._links: dict[str, dict[str, Any]] = {}
        """How the links to their displays are, of sessions that want one now."""
        self._staff = Staff(
            self._tasks, self._worker_says, self._nobody_looks, self._hire_for_listeners
        )
        self._brokers = BrokerFace(self._tasks, self._operations())
        self._handshakes = asyncio.Semaphore(MAX_HANDSHAKES)
        self._done = asyncio.Event()

    # ------------------------------------------------------------ life

    async def run(self) -> None:
        """Serve until told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._done.set)
        watch_lifeline(self._done.set)
        self._viewers.setblocking(False)
        self._control.setblocking(False)
        await self._staff.prepare_spare()
        control = await asyncio.start_unix_server(self._brokers.came, sock=self._control)
        self._tasks.start(self._accept_viewers(), name="accept")
        await self._done.wait()
        control.close()
        await self._tasks.close()
        await self._staff.close()

    # ------------------------------------------------------------ viewers

    async def _accept_viewers(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._handshakes.acquire()
            try:
                connection, _ = await loop.sock_accept(self._viewers)
            except OSError as error:  # out of descriptors: wait for some to be closed
                logger.error("cannot accept a viewer: %s", error)  # noqa: TRY400 — no news in it
                self._handshakes.release()
                await asyncio.sleep(0.2)
                continue
            self._tasks.start(self._handshake(connection), name="handshake")

    async def _handshake(self, connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                first, rest = await _first_message(connection)
            await self._admit(connection, first, rest)
        except WorkerUnavailable as error:
            await _say_farewell(connection, _Rejected(Reason.RESTARTING, str(error)))
        except _Rejected as rejected:
            await _say_farewell(connection, rejected)
        except RemoteProtocolError as error:
            await _say_farewell(connection, _Rejected(Reason.PROTOCOL_ERROR, str(error)))
        except (OSError, TimeoutError, EOFError):
            pass  # whoever it was has gone, or never said a word
        finally:
            connection.close()
            self._handshakes.release()

    async def _admit(self, connection: socket.socket, first: bytes, rest: bytes) -> None:
        attach = decode_from_viewer(first)
        if not isinstance(attach, Attach):
            raise RemoteProtocolError("the first message must be Attach")
        message: dict[str, Any] = {"rest": base64.b64encode(rest).decode()}
        if attach.kind is Credential.TICKET:
            try:
                ticket = self._office.check(attach.credential, now=time.time())
            except TicketInvalid as error:
                raise _Rejected(Reason.TICKET_INVALID, str(error)) from error
            self._insist_on_share(ticket.share)
            capabilities = int(attach.capabilities)
            message |= {"op": "attach", "capabilities": capabilities, **asdict(ticket)}
            name = ticket.session
        else:
            name = attach.credential.split(":", 1)[0]
            message |= {
                "op": "resume",
                "session": name,
                "key": attach.credential,
                "last_update": attach.last_update,
            }
            if self._staff.worker_of(name) is None:
                raise _Rejected(Reason.RESUME_UNKNOWN, "this viewer is no longer known")
        record = self._book.get(name)
        if record is None:
            raise _Rejected(Reason.SESSION_ENDED, f"there is no session named {name!r}")
        worker = await self._staff.hire(record)
        self._insist_on_share(message.get("share", ""))  # hiring may have taken a moment
        if not worker.channel.send(message, connection.fileno()):
            raise _Rejected(Reason.RESTARTING, "the session is being restarted")
        worker.admitted[name] = worker.admitted.get(name, 0) + 1

    def _insist_on_share(self, share: str) -> None:
        if share in self._revoked:
            raise _Rejected(Reason.REVOKED, REVOKED)

    # ------------------------------------------------------------ what workers say

    def _worker_says(self, message: dict[str, Any]) -> None:
        match message:
            case {"event": "endpoint_lost"}:
                self._brokers.tell(message)
            case {"event": "people", "session": session, "people": people}:
                self._heard_people(session, people)
            case {"event": "power", "session": session, "offered": offered}:
                self._heard_power(session, offered=offered)
            case {"event": "link", "session": session, "link": link}:
                self._heard_link(session, link)

    def _nobody_looks(self, session: str) -> None:
        self._heard_people(session, [])
        self._heard_power(session, offered=False)
        self._heard_link(session, None)

    def _heard_power(self, session: str, *, offered: bool) -> None:
        if offered == (session in self._power):
            return
        if offered:
            self._power.add(session)
        else:
            self._power.discard(session)
        self._brokers.tell({"event": "power", "session": session, "offered": offered})

    def _heard_link(self, session: str, link: dict[str, Any] | None) -> None:
        if is_news(self._links, session, link):
            self._brokers.tell({"event": "link", "session": session, "link": link})

    def _hire_for_listeners(self) -> None:
        """Displays that connect to us do not wait until somebody looks.

        Asked again whenever a worker is to spare, so that one that dies again and again is
        followed after growing pauses.
        """
        for record in self._book:
            if record.listens and self._staff.worker_of(record.name) is None:
                self._tasks.start(self._hire(record), name="listen")

    async def _hire(self, record: SessionRecord) -> None:
        try:
            await self._staff.hire(record)
        except WorkerUnavailable as error:
            logger.warning("session %s cannot listen: %s", record.name, error)

    def _heard_people(self, session: str, people: list[dict[str, Any]]) -> None:
        if people == self._people.get(session, []):
            return
        if people:
            self._people[session] = people
        else:
            del self._people[session]
        self._brokers.tell({"event": "viewers", "session": session, "count": len(people)})

    # ------------------------------------------------------------ what brokers ask

    def _operations(self) -> dict[str, Operation]:
        return {
            "open_session": self._open_session,
            "set_state": self._set_state,
            "close_session": self._close_session,
            "revoke": self._revoke,
            "picture": self._picture,
            "power": self._order_power,
            "viewers": lambda request: {"people": self._people.get(str(request["session"]), [])},
            "sessions": lambda _: {"sessions": self._told_sessions()},
            "ping": lambda _: {"pid": os.getpid()},
        }

    def _open_session(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = str(request["session"])
        if not name or len(name) > 64 or not NAME_CHARACTERS.issuperset(name):
            raise ValueError(f"{name!r} is no session name: a-z, 0-9, '-', '_', '.', at most 64")
        endpoint = str(parse_endpoint(str(request["endpoint"])))
        password, tls = request.get("password"), request.get("tls")
        record = SessionRecord(
            name,
            str(request["title"]),
            endpoint,
            str(request["generation"]),
            password=None if password is None else str(password),
            tls=None if tls is None else TlsPolicy.from_json(tls).to_json(),
        )
        self._book.put(record)
        worker = self._staff.informed(name)
        if worker is not None:
            worker.introduce(record)
        elif record.listens:
            self._hire_for_listeners()
        return {"ok": True}

    def _set_state(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = str(request["session"])
        record = self._book.get(name) or SessionRecord(name, name, "", "")
        record.state = MachineState(int(request["state"]))
        record.detail = str(request["detail"])
        self._book.put(record)
        worker = self._staff.informed(name)
        if worker is not None:
            worker.tell_state(record)
        return {"ok": True}

    def _close_session(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = str(request["session"])
        if self._book.drop(name):
            self._staff.discharge(name, "the session was closed")
            self._nobody_looks(name)
        return {"ok": True}

    def _revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        share = str(request["share"])
        if not share:
            raise ValueError("a share has a name")
        self._revoked.add(share, now=time.monotonic())
        self._staff.revoke(share)
        return {"ok": True}

    def _told_sessions(self) -> list[dict[str, Any]]:
        return [
            one | {"power": one["name"] in self._power, "link": self._links.get(one["name"])}
            for one in self._book.told()
        ]

    async def _order_power(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """May take a moment, where nobody watches."""
        order = PowerOrder(str(request["order"]))
        record = self._book.get(str(request["session"]))
        if record is None:
            raise NotFound("session", str(request["session"]))
        return {"done": await self._staff.order(record, order)}

    async def _picture(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """May take a moment, where nobody watches."""
        question = _picture_question(request)
        record = self._book.get(str(request["session"]))
        if record is None:
            raise NotFound("session", str(request["session"]))
        if record.state in (MachineState.OFF, MachineState.FAILED) or not record.endpoint:
            return {"none": record.detail or "the machine is off"}
        answer = await self._staff.look(record, question)
        if "data" not in answer:
            return {key: answer[key] for key in ("unchanged", "none") if key in answer}
        told = {key: answer[key] for key in ("version", "media_type", "width", "height")}
        return told | {"data": base64.b64encode(answer["data"]).decode()}


def _picture_question(request: Mapping[str, Any]) -> dict[str, Any]:
    width, height = (request.get(side, 0) for side in ("width", "height"))
    whole = (width, height) == (0, 0)
    if not whole and not all(isinstance(s, int) and 0 < s <= MAX_SIDE for s in (width, height)):
        raise ValueError(f"a picture's sides are 1 to {MAX_SIDE} pixels, or both 0 for all of it")
    known = request.get("known")
    return {"width": width, "height": height, "known": None if known is None else str(known)}


class _Rejected(Exception):
    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def _first_message(connection: socket.socket) -> tuple[bytes, bytes]:
    """The connection's first message, and what came behind it."""
    loop = asyncio.get_running_loop()
    data = b""
    while True:
        more = await loop.sock_recv(connection, MAX_ATTACH_BYTES)
        if not more:
            raise EOFError
        data += more
        if not PREAMBLE.startswith(data[: len(PREAMBLE)]):
            raise RemoteProtocolError("this is no client of the link protocol, version 1")
        if len(data) > len(PREAMBLE) + 4:
            length = int.from_bytes(data[len(PREAMBLE) : len(PREAMBLE) + 4], "big")
            end = len(PREAMBLE) + 4 + length
            if length > MAX_ATTACH_BYTES:
                raise RemoteProtocolError(f"Attach is at most {MAX_ATTACH_BYTES} bytes")
            if len(data) >= end:
                return data[len(PREAMBLE) + 4 : end], data[end:]


async def _say_farewell(connection: socket.socket, rejected: _Rejected) -> None:
    message = encode_to_viewer(Farewell(rejected.reason, str(rejected)))
    try:
        async with asyncio.timeout(1):
            await asyncio.get_running_loop().sock_sendall(connection, frame(message))
    except (OSError, TimeoutError):
        pass  # it did not wait for the answer


def main(viewers_fd: int, control_fd: int, memory: Path, key: bytes) -> None:
    """Serve on two listening unix sockets that the supervisor opened."""

    async def serve() -> None:
        viewers, control = socket.socket(fileno=viewers_fd), socket.socket(fileno=control_fd)
        await Router(viewers, control, memory, key).run()

    asyncio.run(serve())
