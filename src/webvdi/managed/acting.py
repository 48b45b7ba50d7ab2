"""What the people at one screen do: keys, pointers, typing, and control over the guest.

Everything here is about who may act and what becomes of it; nothing about pixels.
"""

from collections.abc import Iterable, Mapping

from webvdi.managed.messages import (
    Command,
    InputCommand,
    Nudge,
    Press,
    SendTo,
    TellPeople,
    ViewerId,
)
from webvdi.managed.people import Crowd
from webvdi.managed.pointers import Pointers
from webvdi.managed.typing import Stroke, Typist
from webvdi.managed.viewer import Viewer
from webvdi.wire.from_viewer import Control, Input, Key, Pointer, Text, Wheel
from webvdi.wire.to_viewer import InputAck, RemotePointer

NUDGE_EVERY_S = 0.025
NUDGE_FOR_S = 0.6
"""While somebody acts, QEMU's refresh timer is kept from backing off (measured: an interval of
60 ms instead of 110)."""

INPUT_ACK_AFTER_S = 0.1
"""A key's press and release are acknowledged together, after what they changed was shown."""


class Acting:
    """The hands of all viewers of one session."""

    def __init__(self, viewers: Mapping[ViewerId, Viewer]) -> None:
        self.idle_backoff = True
        """Whether the display's refresh backs off when idle; the shell copies this."""
        self.absolute = True
        """Whether the guest has an absolute pointer, so that positions mean something."""
        self._viewers = viewers
        self._crowd = Crowd()
        self._pointers = Pointers()
        self._typist = Typist()
        self._typing: ViewerId | None = None
        """Whose text waits to be typed."""
        self._acted = float("-inf")
        self._next_nudge = float("-inf")
        self._ack_due: float | None = None

    # ------------------------------------------------------------ people come and go

    def came(self, viewer: Viewer) -> None:
        """A viewer is connected (again)."""
        self._crowd.came(viewer.id, viewer.admission)

    def went(self, viewer: Viewer, now: float) -> list[Command]:
        """A viewer is not connected any more: it holds nothing down, and may lose control."""
        if self._typing == viewer.id:
            self._typist.forget()
        holder = self._crowd.lease.holder
        self._crowd.went(viewer.id, now)
        gone = self._show(self._pointers.gone(viewer.id))
        return [*viewer.hands.release(), *self._handed_over(holder), *gone]

    def pointers_for(self, viewer: Viewer) -> list[RemotePointer]:
        """The pointers that a viewer who knows of none is to see."""
        return [p for p in self._pointers.shown() if p.viewer != viewer.id]

    def hears_the_clipboard(self, viewer: Viewer) -> bool:
        """What the guest copies is for whoever acts there; an observer sees the screen only."""
        return self._crowd.lease.may_hear(viewer.id)

    # ------------------------------------------------------------ what they do

    def wish(self, viewer: Viewer, wish: Control, now: float) -> list[InputCommand]:
        """A viewer wants something to become of control."""
        lease = self._crowd.lease
        holder = lease.holder
        lease.wish(viewer.id, wish, now)
        self._crowd.stirred()
        return self._handed_over(holder)

    def input(self, viewer: Viewer, message: Input, now: float) -> list[InputCommand]:
        """What the guest is to be told of an input; nothing of one whose viewer has no control."""
        if not viewer.hands.fresh(message):
            return []
        if isinstance(message, Pointer | Wheel) and self.absolute:
            self._pointers.moved(viewer.id, message.x, message.y, now)
        lease = self._crowd.lease
        holder = lease.holder
        if not lease.admit(viewer.id, message, now):
            return []
        before = self._handed_over(holder)
        self._acted = now
        match message:
            case Text(_, text):
                self._typist.type(text)
                self._typing = viewer.id
            case Key(_, True):
                before += _presses(self._typist.interrupt())
            case _:
                pass
        return before + viewer.hands.handle(message)

    def _handed_over(self, before: str | None) -> list[InputCommand]:
        """If control is no longer with *before*: nothing of theirs stays pressed, or is typed."""
        if self._crowd.lease.holder == before:
            return []
        self._crowd.stirred()
        if before is None:
            return []
        self._typist.forget()
        theirs = [v for v in self._viewers.values() if v.admission.subject == before]
        return [command for viewer in theirs for command in viewer.hands.release()]

    def machine_gone(self) -> None:
        """What waits to be typed was meant for another moment."""
        self._typist.forget()

    # ------------------------------------------------------------ time

    def tick(self, now: float) -> list[Command]:
        """Everything that is due."""
        return [*self._type(now), *self._acknowledge(now), *self._tell_people(now)]

    def due(self, now: float) -> list[float]:
        """When something will be due although nothing happens."""
        times = [self._typist.due, self._ack_due, self._crowd.due, self._pointers.due]
        if self._nudging(now):
            times.append(self._next_nudge)
        return [at for at in times if at is not None]

    def _type(self, now: float) -> list[Command]:
        """Type what is due, and keep the display's refresh awake while somebody acts."""
        commands: list[Command] = [*_presses(self._typist.strokes(now))]
        if commands:
            self._acted = now
        if self._nudging(now) and now >= self._next_nudge:
            self._next_nudge = now + NUDGE_EVERY_S
            commands.append(Nudge())
        return commands

    def _nudging(self, now: float) -> bool:
        return self.idle_backoff and now - self._acted < NUDGE_FOR_S

    def _acknowledge(self, now: float) -> list[Command]:
        """Tell viewers which inputs are handled: some time after, so never ahead of pixels."""
        connected = [v for v in self._viewers.values() if v.connected]
        behind = [v for v in connected if v.acked_input < v.hands.last_input]
        if not behind:
            self._ack_due = None
            return []
        if self._ack_due is None:
            self._ack_due = now + INPUT_ACK_AFTER_S
        if now < self._ack_due:
            return []
        self._ack_due = None
        for viewer in behind:
            viewer.acked_input = viewer.hands.last_input
        return [SendTo(v.id, InputAck(v.acked_input)) for v in behind]

    def _tell_people(self, now: float) -> list[Command]:
        """Who is here, who has control, where they point."""
        commands: list[Command] = []
        news = self._crowd.news(now)
        if news is not None:
            commands += [SendTo(viewer, people) for viewer, people in news.items()]
            commands.append(TellPeople(self._crowd.attendees()))
        return commands + self._show(self._pointers.news(now))

    def _show(self, pointers: Iterable[RemotePointer]) -> list[Command]:
        return [
            SendTo(viewer.id, pointer)
            for pointer in pointers
            for viewer in self._viewers.values()
            if viewer.watching and viewer.id != pointer.viewer
        ]


def _presses(strokes: Iterable[Stroke]) -> list[InputCommand]:
    return [Press(s.down, s.keysym, s.scancode) for s in strokes]
