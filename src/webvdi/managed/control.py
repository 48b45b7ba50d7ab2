"""Control: which person's keys and pointer reach the guest.

Control belongs to a *person* (a ticket's subject), not to a tab: all viewers of one person share
it.  Nobody has it at first; whoever acts first takes it, so that a person alone never notices.
With others there, acting is pressing: a mere move of the pointer takes nothing.
After that it moves only by the rules of ``docs/reference/viewer-protocol.md``, section Control.
Pure: *now* is monotonic seconds.
"""

from dataclasses import dataclass

from webvdi.managed.messages import ViewerId
from webvdi.wire.from_viewer import (
    Clipboard,
    Control,
    ControlAction,
    Input,
    Key,
    Motion,
    Pointer,
    ReleaseKeys,
    ScreenSize,
    Text,
    Wheel,
)
from webvdi.wire.to_viewer import Role

IDLE_S = 60.0
"""After so long without input a holder loses control to somebody who asked and then acts."""


@dataclass(frozen=True, slots=True)
class _Member:
    subject: str
    role: Role

    @property
    def eligible(self) -> bool:
        return self.role is not Role.OBSERVER


class Lease:
    """Who holds control among those who are connected, and who asks for it."""

    def __init__(self) -> None:
        self.holder: str | None = None
        """The subject whose viewers may act."""
        self.asking: dict[str, None] = {}
        """Subjects who ask for control, the longest waiting first."""
        self._members: dict[ViewerId, _Member] = {}
        self._last_input = 0.0
        """When the holder last acted, or came by control."""

    def join(self, viewer: ViewerId, subject: str, role: Role) -> None:
        """A viewer is connected."""
        self._members[viewer] = _Member(subject, role)

    def leave(self, viewer: ViewerId, now: float) -> None:
        """A viewer is no longer connected; a person without any that may act is out."""
        member = self._members.pop(viewer, None)
        if member is None or self._present(member.subject):
            return
        self.asking.pop(member.subject, None)
        if member.subject == self.holder:
            self._free(now)

    def holds(self, viewer: ViewerId) -> bool:
        """Whether what *viewer* does reaches the guest."""
        member = self._members.get(viewer)
        return member is not None and member.eligible and member.subject == self.holder

    def may_hear(self, viewer: ViewerId) -> bool:
        """Whether *viewer* is told what is meant for the hand on the guest: its clipboard."""
        member = self._members.get(viewer)
        if member is None or not member.eligible:
            return False
        return self.holder in (None, member.subject)

    def admit(self, viewer: ViewerId, message: Input, now: float) -> bool:
        """Whether this input may reach the guest; it may take control to do so."""
        match message:
            case ReleaseKeys() | Key(_, False):
                return self.holds(viewer)
            case ScreenSize():  # pages send it by themselves: it takes control from nobody
                return self.may_hear(viewer)
            case Pointer(buttons=0) | Motion(buttons=0):
                return self._act(viewer, now, pressing=False)
            case Key() | Pointer() | Motion() | Wheel() | Text() | Clipboard():
                return self._act(viewer, now, pressing=True)

    def wish(self, viewer: ViewerId, wish: Control, now: float) -> None:
        """What a viewer asks to be done with control; what it may not ask for does nothing."""
        member = self._members.get(viewer)
        if member is None or not member.eligible:
            return
        match wish.action:
            case ControlAction.REQUEST:
                self._request(member, now)
            case ControlAction.RELEASE:
                self._release(member, now)
            case ControlAction.TAKE:
                if member.role is Role.OWNER:
                    self._pass_to(member.subject, now)
            case ControlAction.GRANT | ControlAction.DECLINE:
                if member.role is Role.OWNER or member.subject == self.holder:
                    self._decide(wish, now)

    def _request(self, member: _Member, now: float) -> None:
        if self.holder is None:
            self._pass_to(member.subject, now)
        elif self.holder != member.subject:
            self.asking.setdefault(member.subject)

    def _release(self, member: _Member, now: float) -> None:
        self.asking.pop(member.subject, None)  # who asks and changes their mind
        if self.holder == member.subject:
            self._free(now)

    def _decide(self, wish: Control, now: float) -> None:
        other = self._members.get(ViewerId(wish.viewer))
        if other is None or not other.eligible:
            return
        if wish.action is ControlAction.DECLINE:
            self.asking.pop(other.subject, None)
        else:
            self._pass_to(other.subject, now)

    def _act(self, viewer: ViewerId, now: float, *, pressing: bool) -> bool:
        member = self._members.get(viewer)
        if member is None or not member.eligible:
            return False
        if member.subject != self.holder:
            if not self._falls_to(member.subject, now, pressing=pressing):
                return False
            self._pass_to(member.subject, now)
        self._last_input = now
        return True

    def _falls_to(self, subject: str, now: float, *, pressing: bool) -> bool:
        if self.holder is None:
            # A pointer that merely crosses a shared screen is no wish to act.
            return pressing or self._alone(subject)
        return subject in self.asking and now - self._last_input >= IDLE_S

    def _free(self, now: float) -> None:
        self.holder = None
        if self.asking:
            self._pass_to(next(iter(self.asking)), now)

    def _pass_to(self, subject: str, now: float) -> None:
        self.holder = subject
        self.asking.pop(subject, None)
        self._last_input = now

    def _alone(self, subject: str) -> bool:
        return not any(m.eligible and m.subject != subject for m in self._members.values())

    def _present(self, subject: str) -> bool:
        return any(m.eligible and m.subject == subject for m in self._members.values())
