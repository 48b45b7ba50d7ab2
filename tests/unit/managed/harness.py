"""A session without sockets: the core, a clock, encoders that finish when told, and viewers."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from support.viewer import Picture
from webvdi.codecs import encode
from webvdi.display.source import DisplayEvent, Opened, Resized, Updated
from webvdi.framebuffer import Framebuffer, Rect
from webvdi.managed.core import SessionCore
from webvdi.managed.messages import (
    Admission,
    Attached,
    Attendee,
    Command,
    Detached,
    Displayed,
    Encode,
    EncodeDone,
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
from webvdi.wire.from_viewer import FromViewer
from webvdi.wire.to_viewer import Role, encode_to_viewer


@dataclass
class FakeViewer:
    """A viewer with a link: what was sent waits in it until it is delivered, or cut."""

    identity: ViewerId
    picture: Picture = field(default_factory=Picture)
    on_the_way: deque[bytes] = field(default_factory=deque)
    answers: deque[FromViewer] = field(default_factory=deque)
    connected: bool = True


class Playbook:
    """Runs events through a core and performs its commands."""

    def __init__(self, width: int = 64, height: int = 48, *, title: str = "test") -> None:
        self.mirror = Framebuffer(1, 1)
        self.core = SessionCore(self.mirror, title)
        self.now = 100.0
        self.encoding: deque[Encode] = deque()
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
        rect = rect.intersect(self.mirror.rect)
        if rect.area == 0:
            return
        pixels = np.zeros((rect.height, rect.width, 4), np.uint8)
        if photo:
            pixels[:] = self._random.integers(0, 256, pixels.shape, np.uint8)
        else:
            pixels[:, :, :3] = colour if colour is not None else self._random.integers(0, 256, 3)
        self.mirror.put(rect, pixels)
        self.display(Updated())

    # ---- viewers

    def attach(
        self, role: Role = Role.OWNER, subject: str = "owner", *, name: str = "", share: str = ""
    ) -> FakeViewer:
        viewer = FakeViewer(ViewerId(self._next))
        self._next += 1
        self.viewers[viewer.identity] = viewer
        admission = Admission(role, subject, name, share, since=float(viewer.identity))
        self.handle(Attached(viewer.identity, admission, f"key {viewer.identity}"))
        return viewer

    def cut(self, viewer: FakeViewer) -> None:
        """The connection breaks; what was on the way in either direction is lost."""
        viewer.connected = False
        viewer.on_the_way.clear()
        viewer.answers.clear()
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
        while viewer.answers:
            self.handle(Received(viewer.identity, viewer.answers.popleft()))

    # ---- time and encoders

    def encode(self, count: int = 1_000_000) -> None:
        while self.encoding and count:
            command = self.encoding.popleft()
            self.handle(EncodeDone(command.key, encode(command.pixels, command.key.quality)))
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
        return np.array_equal(viewer.picture.rgb, self.mirror.pixels[:, :, 2::-1])

    def handle(self, event: Event) -> list[Command]:
        commands = self.core.handle(event, self.now)
        for command in commands:
            match command:
                case SendTo(identity, message):
                    viewer = self.viewers[identity]
                    assert viewer.connected, "a message for a viewer that is away"
                    viewer.on_the_way.append(encode_to_viewer(message))
                case Encode():
                    self.encoding.append(command)
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
