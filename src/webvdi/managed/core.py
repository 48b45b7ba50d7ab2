"""The brain of a session: one machine's picture, and everyone who looks at it.

It joins two subjects that do not know each other: ``pixels`` (what each viewer lacks of the
picture) and ``acting`` (who may do what, and what the guest is told of it).
"""

from collections.abc import Callable, Iterable

from webvdi.display.source import (
    Bell,
    Credentials,
    CredentialsRequired,
    CursorChanged,
    CutText,
    LedsChanged,
    Lost,
    NameChanged,
    Opened,
    PointerModeChanged,
    PowerOffered,
    Resized,
    Updated,
)
from webvdi.framebuffer import Cursor, Framebuffer
from webvdi.managed.acting import Acting
from webvdi.managed.messages import (
    AccessEnded,
    Attached,
    Authenticate,
    Command,
    Detached,
    Displayed,
    EncodeDone,
    EndViewer,
    Event,
    Forgotten,
    Hold,
    MachineTold,
    Nudge,
    Received,
    Resumed,
    SendTo,
    Tick,
    ViewerId,
    WakeAt,
    Watch,
)
from webvdi.managed.pixels import PixelFeed
from webvdi.managed.places import NoPlace, gives_way
from webvdi.managed.viewer import Viewer
from webvdi.wire import from_viewer as up
from webvdi.wire import to_viewer as down
from webvdi.wire.to_viewer import MachineState, Reason, Role, ToViewer

MAX_NAME_BYTES = 1024
"""Of a desktop's name, as viewers are told it."""


class SessionCore:
    """Events in, commands out; *now* is monotonic seconds."""

    def __init__(self, mirror: Framebuffer, title: str, secret: bytes) -> None:
        """*secret* (up to 64 bytes) names kept tiles so that nobody can guess; see ``keeper``."""
        self.mirror = mirror
        self.title = title
        self.viewers: dict[ViewerId, Viewer] = {}
        self.pixels = PixelFeed(mirror, self.viewers, secret)
        self.state = down.Machine(MachineState.CONNECTING)
        self.acting = Acting(self.viewers)
        self._cursor: Cursor | None = None
        self._leds = 0
        self._watching = False
        self._held = False
        """As the source was told last."""

    # ------------------------------------------------------------ the one entrance

    def handle(self, event: Event, now: float) -> list[Command]:
        """Advance by one event."""
        commands = list(self._dispatch(event, now))
        commands += self._watch()
        commands += self.acting.tick(now)
        commands += self._tell_size(now)
        commands += self.pixels.flush(now)
        commands += self._hold(now)
        wake = self._next_wake(now)
        if wake is not None:
            commands.append(WakeAt(wake))
        return commands

    def _dispatch(  # noqa: C901 — one line an event
        self, event: Event, now: float
    ) -> Iterable[Command]:
        match event:
            case Received(viewer, message):
                return self._received(viewer, message, now)
            case EncodeDone(key, encoded):
                return self.pixels.encoded(key, encoded, now)
            case Displayed():
                return self._displayed(event)
            case Attached():
                return self._attached(event, now)
            case Resumed(viewer, last_update):
                return self._resumed(self.viewers[viewer], last_update, now)
            case Detached(viewer):
                return self._detached(viewer, now)
            case Forgotten(viewer):
                return self._forgotten(viewer, now)
            case AccessEnded(viewer, message):
                ending = self._end_access(viewer, message)
                return [*ending, *self._forgotten(viewer, now)]
            case MachineTold(state, detail):
                return self._tell_state(state, detail)
            case Tick():
                return ()

    # ------------------------------------------------------------ viewers come and go

    def _attached(self, event: Attached, now: float) -> list[Command]:
        viewer = Viewer(event.viewer, event.admission, event.resume_key, event.capabilities)
        try:
            room = self._make_room(viewer, now)
        except NoPlace as error:
            return [EndViewer(viewer.id, Reason.TOO_MANY_VIEWERS, str(error))]
        self.viewers[viewer.id] = viewer
        self.acting.came(viewer)
        return [*room, *self._greet(viewer, resumed=False)]

    def _resumed(self, viewer: Viewer, last_update: int, now: float) -> list[Command]:
        try:
            room = self._make_room(viewer, now)
        except NoPlace as error:
            return [EndViewer(viewer.id, Reason.TOO_MANY_VIEWERS, str(error))]
        commands: list[Command] = [*room, *viewer.hands.release()]
        viewer.resumed(last_update)
        self.acting.came(viewer)
        return commands + self._greet(viewer, resumed=True)

    def _make_room(self, viewer: Viewer, now: float) -> list[Command]:
        """What to do so that *viewer* has a place.  Raises NoPlace."""
        out = gives_way(viewer, [v for v in self._connected() if v is not viewer])
        if out is None:
            return []
        message = "the machine's owner needed this place"
        return [
            EndViewer(out.id, Reason.TOO_MANY_VIEWERS, message),
            *self._forgotten(out.id, now),
        ]

    def _detached(self, identity: ViewerId, now: float) -> list[Command]:
        viewer = self.viewers.get(identity)
        if viewer is None:
            return []
        viewer.disconnected()
        return self.acting.went(viewer, now)

    def _forgotten(self, identity: ViewerId, now: float) -> list[Command]:
        commands = self._detached(identity, now)
        self.viewers.pop(identity, None)
        return commands

    def _end_access(self, identity: ViewerId, message: str) -> list[Command]:
        viewer = self.viewers.get(identity)
        if viewer is None or not viewer.connected:
            return []
        return [EndViewer(identity, Reason.REVOKED, message)]

    def _greet(self, viewer: Viewer, *, resumed: bool) -> list[Command]:
        viewer.acked_input = viewer.hands.last_input
        messages: list[ToViewer] = [
            down.Welcome(
                viewer.id,
                viewer.role,
                resumed,
                viewer.hands.last_input,
                viewer.resume_key,
                self.title,
            ),
            *self._desktop(viewer),
            _state_for(viewer, self.state),
            down.PointerMode(self.acting.absolute),
            down.Leds(self._leds),
        ]
        if self._cursor is not None:
            messages.append(_shape(self._cursor))
        messages += self.acting.pointers_for(viewer)
        # A picture that nobody looked at is old: have the source look afresh.
        return [*(SendTo(viewer.id, m) for m in messages), Nudge()]

    def _desktop(self, viewer: Viewer) -> list[ToViewer]:
        """The screen's size, where the viewer does not know it."""
        size = (self.mirror.width, self.mirror.height)
        if not self.pixels.opened or viewer.desktop == size:
            return []
        viewer.told_desktop(self.mirror)
        return [down.Desktop(*size)]

    def _tell_size(self, now: float) -> list[Command]:
        """Tell a new size to those who may be sent its picture at once.

        A display may change its size again and again, faster than anybody could be told.
        """
        if not self.pixels.has_picture:
            return []
        commands: list[Command] = []
        for viewer in self._waiting_for_size():
            if viewer.pacer.may_send(now):
                commands += [SendTo(viewer.id, message) for message in self._desktop(viewer)]
        return commands

    def _waiting_for_size(self) -> list[Viewer]:
        """Those who look, and are sent nothing of the old size any more."""
        size = (self.mirror.width, self.mirror.height)
        return [
            viewer
            for viewer in self.viewers.values()
            if viewer.desktop != size and viewer.watching and viewer.parcel is None
        ]

    @property
    def watching(self) -> bool:
        """Whether anybody looks."""
        return any(v.watching for v in self.viewers.values())

    @property
    def followed(self) -> bool:
        """Whether the display is followed, so that the mirror is kept up to date.

        It is not while all who look lag: a computer that sleeps looks, as far as anybody knows.
        """
        return self.watching and not self._held

    def _watch(self) -> list[Command]:
        watching = self.watching
        if watching == self._watching:
            return []
        self._watching = watching
        return [Watch(watching)]

    def _hold(self, now: float) -> list[Command]:
        """Have the display wait while nobody who looks could be sent anything, now or soon.

        What it painted meanwhile would be painted over before anybody saw it.
        """
        held = self.watching and not self.pixels.has_room(now)
        if held == self._held:
            return []
        self._held = held
        return [Hold(held)]

    # ------------------------------------------------------------ what viewers say

    def _received(
        self, identity: ViewerId, message: up.FromViewer, now: float
    ) -> Iterable[Command]:
        viewer = self.viewers.get(identity)
        if viewer is None or not viewer.connected:
            return ()
        match message:
            case up.Ack(update, cost_ms, waiting):
                viewer.acked(min(update, viewer.updates), cost_ms, waiting, now)
            case up.Visibility(visible):
                return self._seen(viewer, visible=visible)
            case up.Ping(token):
                return (SendTo(identity, up.Pong(token)),)
            case up.GiveCredentials(username, password):
                if viewer.role is not Role.OBSERVER:
                    return (Authenticate(Credentials(username, password)),)
            case up.Attach():
                return (EndViewer(identity, Reason.PROTOCOL_ERROR, "Attach comes only once"),)
            case up.Pong():
                pass
            case up.Control():
                return self.acting.wish(viewer, message, now)
            case _:
                return self.acting.input(viewer, message, now)
        return ()

    def _seen(self, viewer: Viewer, *, visible: bool) -> list[Command]:
        """The viewer's page came to light, or was hidden: then it is sent nothing it would draw."""
        viewer.visible = visible
        if not visible:
            return []
        return [*(SendTo(viewer.id, m) for m in self.acting.pointers_for(viewer)), Nudge()]

    # ------------------------------------------------------------ what the display says

    def _displayed(self, displayed: Displayed) -> Iterable[Command]:  # noqa: C901
        match displayed.event:
            case Updated():
                self.pixels.display_updated()
                return ()
            case Opened(_, _, name):
                self.pixels.display_opened()
                size = self._each(self._desktop)
                return [
                    *size,
                    *self._named(name),
                    *self._opened_state(),
                    Watch(self._watching),  # first, so that one picture comes in any case
                    Hold(self._held),
                ]
            case Resized():  # see _tell_size
                return ()
            case CursorChanged(cursor):
                self._cursor = cursor
                return self._tell(_shape(cursor))
            case LedsChanged(leds):
                self._leds = leds
                return self._tell(down.Leds(leds))
            case PointerModeChanged(absolute):
                self.acting.absolute = absolute
                return self._tell(down.PointerMode(absolute))
            case NameChanged(name):
                return self._named(name)
            case PowerOffered():  # the broker's business
                return ()
            case Bell():
                return self._tell(down.RingBell())
            case CutText(text):
                return self._tell_hands(down.GuestClipboard(cut(text, up.MAX_CLIPBOARD_BYTES)))
            case CredentialsRequired(username, retry):
                wanted = "username password" if username else "password"
                detail = f"{wanted} retry" if retry else wanted
                return self._tell_state(MachineState.CREDENTIALS, detail)
            case Lost(message, permanent):
                self.pixels.display_lost()
                state = MachineState.FAILED if permanent else MachineState.LOST
                return self._tell_state(state, message)

    def _named(self, name: str) -> list[Command]:
        """Tell the desktop's name, where it is news: every QEMU calls itself QEMU."""
        if name.startswith("QEMU"):
            return []
        return self._tell(down.Name(cut(name, MAX_NAME_BYTES)))

    def _opened_state(self) -> list[Command]:
        """A paused machine has a display, too: the broker's word stands."""
        if self.state.state is MachineState.PAUSED:
            return []
        return self._tell_state(MachineState.LIVE, "")

    def _tell_state(self, state: MachineState, detail: str) -> list[Command]:
        new = down.Machine(state, detail)
        if new == self.state:
            return []
        if state in (MachineState.OFF, MachineState.LOST, MachineState.FAILED):
            self.acting.machine_gone()
        self.state = new
        return self._each(lambda viewer: [_state_for(viewer, new)])

    def _tell(self, message: ToViewer) -> list[Command]:
        return [SendTo(v.id, message) for v in self._connected()]

    def _tell_hands(self, message: ToViewer) -> list[Command]:
        hands = [v for v in self._connected() if self.acting.hears_the_clipboard(v)]
        return [SendTo(v.id, message) for v in hands]

    def _each(self, messages: Callable[[Viewer], list[ToViewer]]) -> list[Command]:
        return [SendTo(v.id, m) for v in self._connected() for m in messages(v)]

    def _connected(self) -> list[Viewer]:
        return [v for v in self.viewers.values() if v.connected]

    # ------------------------------------------------------------ time

    def _next_wake(self, now: float) -> float | None:
        """When something will be due although nothing happens."""
        due = self.acting.due(now)
        due += self.pixels.due(now, held=self._held)
        rooms = (viewer.pacer.due(now) for viewer in self._waiting_for_size())
        due += [room for room in rooms if room is not None]
        return max(now, min(due)) if due else None


def cut(text: str, size_bytes: int) -> str:
    """At most so many bytes of UTF-8, whole characters only."""
    return text.encode()[:size_bytes].decode(errors="ignore")


def _state_for(viewer: Viewer, state: down.Machine) -> down.Machine:
    """*state* as that viewer may be told it.

    Why a machine is off or out of reach names what is on its host (files, addresses), which is
    for owners only; which credentials are asked for is for everybody.
    """
    if viewer.role is Role.OWNER or state.state is MachineState.CREDENTIALS:
        return state
    return down.Machine(state.state, "")


def _shape(cursor: Cursor) -> down.CursorShape:
    return down.CursorShape(cursor.hot_x, cursor.hot_y, cursor.width, cursor.height, cursor.rgba)
