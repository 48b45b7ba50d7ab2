"""A session on the viewer protocol whose every word is a test's: what it shows, who is there."""

import asyncio
import io
from collections.abc import Callable

from PIL import Image
from starlette.types import Message, Receive, Scope, Send

from webvdi.fabricator.websocket import SUBPROTOCOL
from webvdi.wire.from_viewer import Ack, Attach, Control, FromViewer, Ping, Pong, decode_from_viewer
from webvdi.wire.to_viewer import (
    Codec,
    Desktop,
    Farewell,
    Machine,
    MachineState,
    People,
    Person,
    PersonFlag,
    Piece,
    Reason,
    RemotePointer,
    Role,
    ToViewer,
    Update,
    Welcome,
    encode_to_viewer,
)

Say = Callable[[ToViewer], None]

QUEUED = 64
"""Messages to a viewer that are on their way."""


class ScriptedSession:
    """An ASGI application for WebSockets."""

    def __init__(self, screen: bytes, *, role: Role = Role.OWNER, name: str = "desk") -> None:
        """*screen* is an image file that everyone sees."""
        self._picture = Image.open(io.BytesIO(screen))
        png = io.BytesIO()
        self._picture.save(png, "PNG")
        self._png = png.getvalue()
        self.role = role
        self.name = name
        self.people: tuple[Person, ...] = (Person(1, role, PersonFlag.YOU, 0, ""),)
        self.heard: list[FromViewer] = []
        """What came, without pings and acknowledgements."""
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    @property
    def controls(self) -> list[Control]:
        """The wishes about control that came."""
        return [message for message in self.heard if isinstance(message, Control)]

    def say(self, message: ToViewer) -> None:
        """Tell everyone who is connected; in the server's thread."""
        for queue in self._queues:
            queue.put_nowait(encode_to_viewer(message))

    def set_people(self, *people: Person) -> None:
        """Let these be here."""
        self.people = people
        self.say(People(people))

    def point(self, viewer: int, x: int, y: int) -> None:
        """Another's pointer moves."""
        self.say(RemotePointer(viewer, shown=True, x=x, y=y))

    def end(self, reason: Reason, words: str) -> None:
        """Part from everyone."""
        self.say(Farewell(reason, words))
        for queue in self._queues:
            queue.put_nowait(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One viewer's connection."""
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED)
        self._queues.add(queue)
        try:
            async with asyncio.TaskGroup() as tasks:
                speaking = tasks.create_task(self._speak(queue, send))
                await self._listen(queue, receive)
                speaking.cancel()
        finally:
            self._queues.discard(queue)

    async def _listen(self, queue: asyncio.Queue[bytes | None], receive: Receive) -> None:
        while True:
            message: Message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            self._hear(decode_from_viewer(message["bytes"]), queue)

    def _hear(self, message: FromViewer, queue: asyncio.Queue[bytes | None]) -> None:
        match message:
            case Attach():
                for answer in self._greeting():
                    queue.put_nowait(encode_to_viewer(answer))
            case Ping():
                queue.put_nowait(encode_to_viewer(Pong(message.token)))
            case Pong() | Ack():
                pass
            case _:
                self.heard.append(message)

    def _greeting(self) -> tuple[ToViewer, ...]:
        width, height = self._picture.size
        piece = Piece(Codec.PNG, 0, 0, width, height, self._png)
        return (
            Welcome(1, self.role, resumed=False, last_input=0, resume_key="k", name=self.name),
            Machine(MachineState.LIVE),
            Desktop(width, height),
            Update(1, lossy=False, pieces=(piece,)),
            People(self.people),
        )

    @staticmethod
    async def _speak(queue: asyncio.Queue[bytes | None], send: Send) -> None:
        while True:
            data = await queue.get()
            if data is None:
                await send({"type": "websocket.close", "code": 1000})
                return
            await send({"type": "websocket.send", "bytes": data})
