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
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from webvdi.base.tasks import TaskOwner
from webvdi.display.endpoint import parse_endpoint
from webvdi.display.source import Credentials
from webvdi.managed.channel import Channel
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.session import Session, Target
from webvdi.wire.to_viewer import MachineState, Reason, Role

logger = logging.getLogger(__name__)

MAX_ENCODERS = 4
"""Threads that encode; more than the processors there are would only wait for each other."""


class Worker:
    """The sessions of this process."""

    def __init__(self, end: socket.socket) -> None:
        self._tasks = TaskOwner("worker")
        self._encoders = ThreadPoolExecutor(
            min(MAX_ENCODERS, os.cpu_count() or 1), thread_name_prefix="encode"
        )
        self._sessions: dict[str, Session] = {}
        self._done = asyncio.Event()
        self._channel = Channel(end, self._take, self._done.set)

    async def run(self) -> None:
        """Serve until the router goes away or we are told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._done.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the supervisor's
        await self._done.wait()
        for session in self._sessions.values():
            await session.close(Reason.RESTARTING, "the server restarts")
        await self._tasks.close()
        self._channel.close()

    def _take(self, message: dict[str, Any], connection: socket.socket | None) -> None:
        name = str(message.get("session", ""))
        match message["op"]:
            case "open":
                self._open(name, message)
            case "tell":
                self._sessions[name].tell(MachineState(message["state"]), message["detail"])
            case "attach" | "resume" if connection is not None:
                coroutine = self._admit(self._sessions[name], message, connection)
                self._tasks.start(coroutine, name="admit")
            case "close":
                session = self._sessions.pop(name)
                ending = session.close(Reason.SESSION_ENDED, message["message"])
                self._tasks.start(ending, name="close")
            case other:
                logger.error("the router said %r, which means nothing here", other)

    def _open(self, name: str, message: dict[str, Any]) -> None:
        session = self._sessions.get(name)
        if session is None:
            session = Session(
                name,
                message["title"],
                self._encoders,
                lambda generation, why: self._endpoint_lost(name, generation, why),
                self._done.set,
            )
            self._sessions[name] = session
        if message["endpoint"]:
            password = message.get("password")
            credentials = None if password is None else Credentials("", password)
            session.open(
                Target(parse_endpoint(message["endpoint"]), message["generation"], credentials)
            )

    def _endpoint_lost(self, name: str, generation: str, why: str) -> None:
        self._channel.send(
            {
                "event": "endpoint_lost",
                "session": name,
                "generation": generation,
                "message": why,
            }
        )

    async def _admit(
        self, session: Session, message: dict[str, Any], connection: socket.socket
    ) -> None:
        rest = base64.b64decode(message["rest"])
        viewer = await ViewerConnection.adopt(connection, session, rest)
        if message["op"] == "attach":
            session.attach(viewer, Role(message["role"]))
        else:
            session.resume(viewer, message["key"], message["last_update"])
        viewer.start()


def main(fd: int) -> None:
    """Serve the router at the other end of descriptor *fd*."""

    # What is loaded now stays: no collection need ever look at it again, in mid key press.
    gc.collect()
    gc.freeze()

    async def serve() -> None:
        await Worker(socket.socket(fileno=fd)).run()

    asyncio.run(serve())
