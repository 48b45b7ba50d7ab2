"""A session without sockets: the core, a clock, encoders that finish when told, and viewers."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

import numpy as np

from support.viewer import Picture
from webvdi.codecs import Encoded
from webvdi.display.source import DisplayEvent, Opened, Resized, Updated
from webvdi.framebuffer import Framebuffer, Pixels, Rect
from webvdi.managed.core import SessionCore
from webvdi.managed.encodes import encoded
from webvdi.managed.messages import (
    FULL,
    Admission,
    Attached,
    Attendee,
    Command,
    Detached,
    Displayed,
    Encode,
    EncodeDone,
    EncodeKey,
    EndViewer,
    Event,
    Received,
    Resumed,
    SendTo,
    TellPeople,
    Tick,
    ViewerId,
    WakeAt,
)
from webvdi.wire.from_viewer import Capability, FromViewer
from webvdi.wire.to_viewer import Role, encode_to_viewer


@dataclass
class FakeViewer:
    """A viewer with a link: what was sent waits in it until it is delivered, or cut."""

    identity: ViewerId
    picture: Picture = field(default_factory=Picture)
    on_the_way: deque[bytes] = field(default_factory=deque)
    answers: deque[FromViewer] = field(default_factory=deque)
    connected: bool = True

    def settle(self) -> None:
        """See to it that what was delivered is drawn."""

    def lose(self) -> None:
        """The connection breaks; what was delivered and is not drawn never will be."""
        self.on_the_way.clear()
        self.answers.clear()


class Playbook:
    """Runs events through a core and performs its commands."""

    def __init__(
        self,
        width: int = 64,
        height: int = 48,
        *,
        title: str = "test",
        inline_area: int | None = None,
        slow: bool = False,
        encoders: Executor | None = None,
        kind: Callable[[ViewerId], FakeViewer] = FakeViewer,
    ) -> None:
        """*inline_area*: see ``PixelFeed``; None: as it is.  *slow*: each link counts as slow.

        With *encoders* they encode as soon as they are asked, and are heard when told.  *kind*
        makes viewers.
        """
        self.mirror = Framebuffer(1, 1)
        self.core = SessionCore(self.mirror, title, b"secret")
        if inline_area is not None:
            self.core.pixels.inline_area = inline_area
        if slow:
            self.core.pixels.slow_quality = 100
        self.now = 100.0
        self.encoding: deque[Encode] = deque()
        self._encoders = encoders
        self._kind = kind
        self._futures: dict[EncodeKey, Future[Encoded]] = {}
        self.done: list[Command] = []
        """Commands that are neither for viewers nor encoders, and are left to the test."""
        self.ended: list[EndViewer] = []
        self.attendees: tuple[Attendee, ...] = ()
        """Who is there, as the broker was told last."""
        self.wake: float | None = None
        self.viewers: dict[ViewerId, FakeViewer] = {}
        self._next = 1
        self._random = np.random.default_rng(1)
        if width:
            self.open(width, height)

    # ---- the display

    def open(self, width: int, height: int) -> None:
        self.mirror.resize(width, height)
        self.display(Opened(width, height, "screen"))
        self.display(Updated())

    def resize(self, width: int, height: int) -> None:
        self.mirror.resize(width, height)
        self.display(Resized(width, height))

    def display(self, event: DisplayEvent) -> None:
        self.handle(Displayed(event))

    def paint(self, rect: Rect, *, photo: bool = False, colour: int | None = None) -> None:
        """Damage: flat, or noisy enough to go out as JPEG."""
        shape = (rect.height, rect.width, 4)
        pixels = np.zeros(shape, np.uint8)
        if photo:
            pixels[:] = self._random.integers(0, 256, shape, np.uint8)
        else:
            pixels[:, :, :3] = colour if colour is not None else self._random.integers(0, 256, 3)
        self.draw(rect, pixels)

    def write(self, rect: Rect) -> None:
        """Damage: what looks like text, another one each time."""
        ink = self._random.random((rect.height, -(-rect.width // 2))) < 0.2
        pixels = np.zeros((rect.height, rect.width, 4), np.uint8)
        pixels[np.repeat(ink, 2, axis=1)[:, : rect.width]] = self._random.integers(0, 256, 4)
        self.draw(rect, pixels)

    def draw(self, rect: Rect, pixels: Pixels) -> None:
        """Damage: *pixels*, as far as they are on the screen."""
        seen = rect.intersect(self.mirror.rect)
        if seen.area:
            y, x = seen.y - rect.y, seen.x - rect.x
            self.mirror.put(seen, pixels[y : y + seen.height, x : x + seen.width].copy())
        self.display(Updated())

    def scroll(self, rect: Rect, dx: int, dy: int) -> None:
        """What is in *rect* moves by so much; where it comes from there is text."""
        rect = rect.intersect(self.mirror.rect)
        inside = Rect(rect.x + dx, rect.y + dy, rect.width, rect.height).intersect(rect)
        if not inside.area:
            return
        moved = self.mirror.snapshot(
            Rect(inside.x - dx, inside.y - dy, inside.width, inside.height)
        )
        self.settled(False)
        self.write(rect)
        self.settled(True)
        self.draw(inside, moved)

    def drag(self, rect: Rect, dx: int, dy: int) -> None:
        """A window at *rect* goes elsewhere; what was below it is flat."""
        rect = rect.intersect(self.mirror.rect)
        if not rect.area:
            return
        window = self.mirror.snapshot(rect)
        self.settled(False)
        self.paint(rect, colour=40)
        self.settled(True)
        self.draw(Rect(rect.x + dx, rect.y + dy, rect.width, rect.height), window)

    def settled(self, settled: bool) -> None:
        """Whether the source has written a whole update; see ``DisplaySource.settled``."""
        self.core.pixels.settled = settled

    # ---- viewers

    def attach(
        self,
        role: Role = Role.OWNER,
        subject: str = "owner",
        *,
        name: str = "",
        share: str = "",
        capabilities: Capability = FULL,
    ) -> FakeViewer:
        viewer = self._kind(ViewerId(self._next))
        self._next += 1
        self.viewers[viewer.identity] = viewer
        admission = Admission(role, subject, name, share, since=float(viewer.identity))
        key = f"key {viewer.identity}"
        self.handle(Attached(viewer.identity, admission, key, capabilities))
        return viewer

    def cut(self, viewer: FakeViewer) -> None:
        """The connection breaks; what was on the way in either direction is lost."""
        viewer.connected = False
        viewer.lose()
        self.handle(Detached(viewer.identity))

    def resume(self, viewer: FakeViewer) -> None:
        viewer.connected = True
        self.handle(Resumed(viewer.identity, viewer.picture.last_update))

    def say(self, viewer: FakeViewer, *messages: FromViewer) -> None:
        for message in messages:
            self.handle(Received(viewer.identity, message))

    def deliver(self, viewer: FakeViewer, count: int = 1_000_000) -> None:
        """Bring messages to the viewer; its answers wait for :meth:`answer`."""
        while viewer.on_the_way and count:
            viewer.answers.extend(viewer.picture.take(viewer.on_the_way.popleft()))
            count -= 1

    def answer(self, viewer: FakeViewer) -> None:
        viewer.settle()
        while viewer.answers:
            self.handle(Received(viewer.identity, viewer.answers.popleft()))

    # ---- time and encoders

    def encode(self, count: int = 1_000_000) -> None:
        while self.encoding and count:
            key, parts = (command := self.encoding.popleft()).key, command.parts
            future = self._futures.pop(key, None)
            how = key.quality, key.thorough
            done = encoded(parts, *how) if future is None else future.result()
            self.handle(EncodeDone(key, done))
            count -= 1

    def pass_time(self, seconds: float) -> None:
        """Let time pass; wake-ups on the way are kept."""
        end = self.now + seconds
        while self.wake is not None and self.wake <= end:
            self.now, self.wake = max(self.now, self.wake), None
            self.handle(Tick())
        self.now = end

    def settle(self) -> None:
        """Run until nothing is on any way any more, refinement included."""
        for _ in range(400):
            before = (len(self.done), [v.picture.last_update for v in self.viewers.values()])
            self.encode()
            for viewer in self.viewers.values():
                self.deliver(viewer)
                self.answer(viewer)
            self.pass_time(0.1)
            busy = self.encoding or any(v.on_the_way or v.answers for v in self.viewers.values())
            quiet_for = before[1] == [v.picture.last_update for v in self.viewers.values()]
            if not busy and quiet_for and self._exact_or_away():
                return

    def _exact_or_away(self) -> bool:
        return all(self.exact(v) for v in self.viewers.values() if v.connected)

    def exact(self, viewer: FakeViewer) -> bool:
        """Whether the viewer shows the mirror bit for bit."""
        viewer.settle()
        return np.array_equal(viewer.picture.rgb, self.mirror.pixels[:, :, 2::-1])

    def handle(self, event: Event) -> list[Command]:
        commands = self.core.handle(event, self.now)
        for command in commands:
            match command:
                case SendTo(identity, message):
                    viewer = self.viewers[identity]
                    assert viewer.connected, "a message for a viewer that is away"
                    viewer.on_the_way.append(encode_to_viewer(message))
                case Encode(key, parts):
                    self.encoding.append(command)
                    if self._encoders is not None:
                        future = self._encoders.submit(encoded, parts, key.quality, key.thorough)
                        self._futures[key] = future
                case EndViewer():
                    self.ended.append(command)
                case TellPeople(people):
                    self.attendees = people
                case WakeAt(at):
                    assert at >= self.now
                    self.wake = at
                case _:
                    self.done.append(command)
        return commands
