"""A session worker: a process that serves some sessions and may die for them alone.

It parses what guests and viewers send, with native codecs; whatever goes wrong there ends this
process's sessions and nothing else.  It lives as long as its router: a worker without one ends.
"""

import asyncio
import base64
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from webvdi.access.revocations import Revocations
from webvdi.base.tasks import TaskOwner
from webvdi.display.endpoint import parse_endpoint
from webvdi.display.source import Credentials, PowerOrder
from webvdi.display.tls import TlsPolicy
from webvdi.managed.channel import Channel, in_memory
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.display_link import Target
from webvdi.managed.encoders import Encoders
from webvdi.managed.messages import Admission, Attendee
from webvdi.managed.pictures import Answer, NoPicture, Picture, Unchanged
from webvdi.managed.rights import REVOKED
from webvdi.managed.session import Session
from webvdi.wire.from_viewer import Capability
from webvdi.wire.to_viewer import Machine, MachineState, Reason, Role

logger = logging.getLogger(__name__)


class Worker:
    """The sessions of this process."""

    def __init__(self, end: socket.socket, turns: Sequence[int] = ()) -> None:
        """*end* of the channel to the router; *turns*: see :class:`Encoders`."""
        self._tasks = TaskOwner("worker")
        self._encoders = Encoders(turns)
        self._sessions: dict[str, Session] = {}
        self._admitted: dict[str, int] = {}
        """Connections that each session got, resumed ones too."""
        self._revoked = Revocations()
        self._closing: set[asyncio.Task[None]] = set()
        """Sessions whose viewers still hear why they end."""
        self._done = asyncio.Event()
        self._channel = Channel(end, self._take, self._done.set)

    async def run(self) -> None:
        """Serve until the router goes away or we are told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._done.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the supervisor's
        await self._done.wait()
        for session in self._sessions.values():
            self._close(session, Reason.RESTARTING, "the server restarts")
        await asyncio.gather(*self._closing)
        await self._tasks.close()
        self._channel.close()

    def _take(self, message: dict[str, Any], fd: int | None) -> None:
        name = str(message.get("session", ""))
        match message["op"]:
            case "open":
                self._open(name, message)
            case "tell":
                self._sessions[name].tell(MachineState(message["state"]), message["detail"])
            case "attach" | "resume" if fd is not None:
                connection = socket.socket(fileno=fd)
                connection.setblocking(False)
                self._admitted[name] = self._admitted.get(name, 0) + 1
                coroutine = self._admit(self._sessions[name], message, connection)
                self._tasks.start(coroutine, name="admit")
            case "revoke":
                self._revoked.add(message["share"], now=time.monotonic())
                for session in self._sessions.values():
                    session.revoke(message["share"])
            case "picture":
                self._tasks.start(self._picture(name, message), name="picture")
            case "power":
                self._tasks.start(self._order_power(name, message), name="power")
            case "close":
                session = self._sessions.pop(name)
                self._close(session, Reason.SESSION_ENDED, message["message"])
            case other:
                logger.error("the router said %r, which means nothing here", other)

    def _close(self, session: Session, reason: Reason, message: str) -> None:
        task = self._tasks.start(session.close(reason, message), name="close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _open(self, name: str, message: dict[str, Any]) -> None:
        session = self._sessions.get(name)
        if session is None:
            session = Session(name, message["title"], self._encoders, self)
            self._sessions[name] = session
        if message["endpoint"]:
            password = message.get("password")
            credentials = None if password is None else Credentials("", password)
            tls = message.get("tls")
            session.open(
                Target(
                    parse_endpoint(message["endpoint"]),
                    message["generation"],
                    credentials,
                    None if tls is None else TlsPolicy.from_json(tls),
                )
            )

    # ------------------------------------------------------------ what sessions report

    def endpoint_lost(self, session: str, generation: str, why: str) -> None:
        """See :class:`Reports`."""
        self._say("endpoint_lost", session, generation=generation, message=why)

    def people(self, session: str, people: tuple[Attendee, ...]) -> None:
        """See :class:`Reports`."""
        self._say("people", session, people=[asdict(one) for one in people])

    def idle(self, session: str) -> None:
        """See :class:`Reports`."""
        self._say("idle", session, admitted=self._admitted.get(session, 0))

    def power(self, session: str, *, offered: bool) -> None:
        """See :class:`Reports`."""
        self._say("power", session, offered=offered)

    def link(self, session: str, link: Machine | None) -> None:
        """See :class:`Reports`."""
        told = None if link is None else {"state": link.state, "detail": link.detail}
        self._say("link", session, link=told)

    def failed(self) -> None:
        """See :class:`Reports`."""
        self._done.set()

    def _say(self, event: str, session: str, **fields: Any) -> None:
        self._channel.send({"event": event, "session": session, **fields})

    # ------------------------------------------------------------ what takes a moment

    async def _picture(self, name: str, message: dict[str, Any]) -> None:
        session = self._sessions.get(name)
        answer: Answer = NoPicture("it is being opened")
        if session is not None:
            known = message["known"]
            answer = await session.picture(message["width"], message["height"], known)
        fields: dict[str, Any] = {"event": "picture", "number": message["number"]}
        match answer:
            case Unchanged():
                self._channel.send(fields | {"unchanged": True})
            case NoPicture(words):
                self._channel.send(fields | {"none": words})
            case Picture(version, media_type, data, width, height):
                fields |= {"version": version, "media_type": media_type}
                fd = in_memory(data)
                self._channel.send(fields | {"width": width, "height": height}, fd)
                os.close(fd)

    async def _order_power(self, name: str, message: dict[str, Any]) -> None:
        session = self._sessions.get(name)
        done = session is not None and await session.order_power(PowerOrder(message["order"]))
        self._channel.send({"event": "ordered", "number": message["number"], "done": done})

    async def _admit(
        self, session: Session, message: dict[str, Any], connection: socket.socket
    ) -> None:
        rest = base64.b64decode(message["rest"])
        viewer = await ViewerConnection.adopt(connection, session, rest)
        if message["op"] != "attach":
            session.resume(viewer, message["key"], message["last_update"])
        elif message["share"] in self._revoked:  # while the connection moved here
            viewer.farewell(Reason.REVOKED, REVOKED)
        else:
            admission = Admission(
                Role(message["role"]),
                message["subject"],
                message["name"],
                message["share"],
                since=time.time(),
            )
            capabilities = Capability(message["capabilities"])
            session.attach(viewer, admission, until=message["until"], capabilities=capabilities)
        viewer.start()


def main(fd: int, turns: Sequence[int]) -> None:
    """Serve the router at the other end of descriptor *fd*; *turns*: see :class:`Encoders`."""

    # What is loaded now stays: no collection need ever look at it again, in mid key press.
    gc.collect()
    gc.freeze()

    async def serve() -> None:
        await Worker(socket.socket(fileno=fd), turns).run()

    asyncio.run(serve())
