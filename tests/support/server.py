"""A whole Managed Server for a test: its router in a process, workers and all, and its clients."""

import asyncio
import contextlib
import itertools
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.screens import FakeScreen
from support.viewer import Picture
from webvdi.access import tickets
from webvdi.base.files import secret_at
from webvdi.base.tasks import TaskOwner
from webvdi.link.control_face import ControlClient
from webvdi.link.viewer_face import ViewerLink
from webvdi.wire.from_viewer import Attach, Credential, FromViewer, encode_from_viewer
from webvdi.wire.to_viewer import Role

PATIENCE_S = 30.0


async def until(question: Callable[[], object], what: str) -> None:
    """Wait for something that a quiet machine does in a moment."""
    end = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < end, f"waited in vain: {what}"
        await asyncio.sleep(0.01)


class Watcher:
    """A viewer on the viewer face."""

    def __init__(self, link: ViewerLink) -> None:
        self.picture = Picture()
        self.link = link
        self.ended = asyncio.Event()
        self._inputs = itertools.count(1)

    @property
    def number(self) -> int:
        """The next input's number."""
        return next(self._inputs)

    async def say(self, *messages: FromViewer) -> None:
        """Send messages."""
        for message in messages:
            await self.link.send(encode_from_viewer(message))

    async def listen(self) -> None:
        """Take and answer messages until the end."""
        while (data := await self.link.receive()) is not None:
            with contextlib.suppress(OSError):  # it may have said farewell meanwhile
                await self.say(*self.picture.take(data))
        self.ended.set()
        self.link.close()


class Server:
    """A running Managed Server, as its broker and viewers see it."""

    def __init__(self, run: Path, tasks: TaskOwner) -> None:
        self.run = run
        self.events: list[dict[str, Any]] = []
        self.key = secret_at(run / "key")
        self.control: ControlClient
        self.process: asyncio.subprocess.Process
        self._tasks = tasks

    async def start(self) -> None:
        """Start the router, and connect to its control face."""
        listeners = []
        for name in ("viewer.sock", "control.sock"):
            (self.run / name).unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self.run / name))
            listener.listen(64)
            listeners.append(listener)
        fds = [listener.fileno() for listener in listeners]
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "webvdi.managed", "router", *map(str, fds)),
            *(str(self.run / "sessions.json"), str(self.run / "key")),
            pass_fds=fds,
            stdin=asyncio.subprocess.PIPE,
        )
        for listener in listeners:
            listener.close()
        self.control = await ControlClient.connect(self.run / "control.sock", self.events.append)
        self._tasks.start(self.control.serve(), name="control")
        await self.control.request("ping")

    async def stop(self) -> None:
        """End it as the supervisor does."""
        self.control.close()
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), PATIENCE_S)

    def workers(self) -> set[int]:
        """Its children."""
        pid = self.process.pid
        return {int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    async def show(self, name: str, screen: FakeScreen, generation: str = "1") -> None:
        """Let a session show a screen."""
        await self.control.request(
            "open_session",
            session=name,
            title=name.title(),
            endpoint=f"unix:{screen.path}",
            generation=generation,
        )

    def ticket(
        self, session: str, role: Role = Role.OWNER, subject: str = "owner", **more: Any
    ) -> str:
        """A ticket as the portal signs it."""
        nonce = secrets.token_urlsafe(8)
        return tickets.issue(session, role, subject, self.key, nonce=nonce, now=time.time(), **more)

    async def watch(self, ticket: str) -> Watcher:
        """Attach with a ticket, and wait for the answer."""
        return await self._enter(Attach(Credential.TICKET, ticket))

    async def resume(self, key: str, last_update: int = 0) -> Watcher:
        """Attach with a resume key, and wait for the answer."""
        return await self._enter(Attach(Credential.RESUME_KEY, key, last_update))

    async def _enter(self, attach: Attach) -> Watcher:
        watcher = Watcher(await ViewerLink.connect(self.run / "viewer.sock"))
        await watcher.say(attach)
        self._tasks.start(watcher.listen(), name="watch")
        await until(
            lambda: watcher.picture.welcome or watcher.picture.farewell, "an answer to Attach"
        )
        return watcher

    async def picture(self, session: str, **fields: Any) -> dict[str, Any]:
        """What the control face answers."""
        return await self.control.request("picture", session=session, **fields)


@asynccontextmanager
async def managed_server(run: Path) -> AsyncIterator[Server]:
    """A Managed Server of its own for one test."""
    async with TaskOwner("test") as tasks:
        server = Server(run, tasks)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
