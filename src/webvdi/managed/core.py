"""The brain of a session: one machine's picture, and everyone who looks at it.

Theory of operation.  The display source writes the mirror; every real change gives its tiles a
new version.  A viewer owns no queue: whenever its in-flight budget allows, the tiles it is behind
on are gathered into a few rectangles, copied from the mirror *as it is now*, encoded (shared with
every viewer that needs the same), and sent as one update.  A slow viewer is thus simply sent
fewer, newer updates.  Photographic regions may go out lossy; once a tile has rested for
``REST_S`` it is sent again losslessly, so every picture ends exact.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from webvdi.codecs import Encoded, Kind
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
    Resized,
    Updated,
)
from webvdi.framebuffer import Cursor, Framebuffer, TileMask, first_tiles, rects_of
from webvdi.managed.messages import (
    Attached,
    Authenticate,
    Command,
    Detached,
    Displayed,
    Encode,
    EncodeDone,
    EncodeKey,
    EndViewer,
    Event,
    Forgotten,
    InputCommand,
    MachineTold,
    Nudge,
    Press,
    Received,
    Resumed,
    SendTo,
    Tick,
    ViewerId,
    WakeAt,
    Watch,
)
from webvdi.managed.typing import Typist
from webvdi.managed.viewer import Batch, Viewer, tiles
from webvdi.wire import from_viewer as up
from webvdi.wire import to_viewer as down
from webvdi.wire.to_viewer import Codec, MachineState, Piece, Reason, Role, ToViewer

MAX_VIEWERS = 64
"""Viewers of one session; each costs a tile map and a socket."""

REST_S = 0.15
"""A tile that has not changed for so long is at rest, and refined."""

JPEG_QUALITY = 85

CACHE_BYTES = 16 << 20
"""Encoded pieces kept for viewers that come to need the same pixels."""

NUDGE_EVERY_S = 0.025
NUDGE_FOR_S = 0.6
"""While somebody acts, QEMU's refresh timer is kept from backing off (measured: an interval of
60 ms instead of 110)."""

INPUT_ACK_AFTER_S = 0.1
"""A key's press and release are acknowledged together, after what they changed was shown."""

MAX_NAME_BYTES = 1024
"""Of a desktop's name, as viewers are told it."""

MAX_UPDATE_AREA = 4 << 20
"""Pixels of one update.  Even noise stays below the link's bound on a frame: lossless PNG takes
3 bytes a pixel at worst.  A larger screen comes in several updates, from the top."""

_CODECS = {
    Kind.FILL: Codec.FILL,
    Kind.INDEXED: Codec.INDEXED,
    Kind.PNG: Codec.PNG,
    Kind.JPEG: Codec.JPEG,
}


class SessionCore:
    """Events in, commands out; *now* is monotonic seconds."""

    def __init__(self, mirror: Framebuffer, title: str) -> None:
        self.mirror = mirror
        self.title = title
        self.settled = True
        """Whether the mirror holds a whole picture; the shell copies it from the source."""
        self.idle_backoff = True
        """Whether the display's refresh backs off when idle; the shell copies this, too."""
        self.viewers: dict[ViewerId, Viewer] = {}
        self.state = down.Machine(MachineState.CONNECTING)
        self._opened = False
        self._awaits_picture = True
        self._cursor: Cursor | None = None
        self._leds = 0
        self._absolute = True
        self._watching = False
        self._marks: deque[tuple[float, int]] = deque()
        self._cache: OrderedDict[EncodeKey, Encoded] = OrderedDict()
        self._cached_bytes = 0
        self._encoding: set[EncodeKey] = set()
        self._typist = Typist()
        self._acted = float("-inf")
        self._next_nudge = float("-inf")
        self._input_ack_due: float | None = None

    # ------------------------------------------------------------ the one entrance

    def handle(self, event: Event, now: float) -> list[Command]:
        """Advance by one event."""
        commands = list(self._dispatch(event, now))
        commands += self._watch()
        commands += self._act(now)
        commands += self._acknowledge(now)
        for viewer in self.viewers.values():
            commands += self._flush(viewer, now)
        wake = self._next_wake(now)
        if wake is not None:
            commands.append(WakeAt(wake))
        return commands

    def _dispatch(self, event: Event, now: float) -> Iterable[Command]:
        match event:
            case Received(viewer, message):
                return self._received(viewer, message, now)
            case EncodeDone(key, encoded):
                return self._encoded(key, encoded, now)
            case Displayed():
                return self._displayed(event, now)
            case Attached():
                return self._attached(event)
            case Resumed(viewer, last_update):
                return self._resumed(self.viewers[viewer], last_update, now)
            case Detached(viewer):
                return self._detached(viewer)
            case Forgotten(viewer):
                commands = self._detached(viewer)
                self.viewers.pop(viewer, None)
                return commands
            case MachineTold(state, detail):
                return self._tell_state(state, detail)
            case Tick():
                return ()

    # ------------------------------------------------------------ viewers come and go

    def _attached(self, event: Attached) -> list[Command]:
        if len(self._connected()) >= MAX_VIEWERS:
            message = f"{MAX_VIEWERS} viewers look at this machine already"
            return [EndViewer(event.viewer, Reason.TOO_MANY_VIEWERS, message)]
        viewer = Viewer(event.viewer, event.role, event.resume_key)
        self.viewers[viewer.id] = viewer
        return self._greet(viewer, resumed=False)

    def _resumed(self, viewer: Viewer, last_update: int, now: float) -> list[Command]:
        commands: list[Command] = [*viewer.hands.release()]
        viewer.resumed(last_update, now)
        return commands + self._greet(viewer, resumed=True)

    def _detached(self, identity: ViewerId) -> list[Command]:
        viewer = self.viewers.get(identity)
        if viewer is None:
            return []
        viewer.disconnected()
        self._typist.forget()
        return [*viewer.hands.release()]

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
            self.state,
            down.PointerMode(self._absolute),
            down.Leds(self._leds),
        ]
        if self._cursor is not None:
            messages.append(_shape(self._cursor))
        # A picture that nobody looked at is old: have the source look afresh.
        return [*(SendTo(viewer.id, m) for m in messages), Nudge()]

    def _desktop(self, viewer: Viewer) -> list[ToViewer]:
        """The screen's size, where the viewer does not know it."""
        size = (self.mirror.width, self.mirror.height)
        if not self._opened or viewer.desktop == size:
            return []
        viewer.told_desktop(self.mirror)
        return [down.Desktop(*size)]

    def _watch(self) -> list[Command]:
        watching = any(v.watching for v in self.viewers.values())
        if watching == self._watching:
            return []
        self._watching = watching
        return [Watch(watching)]

    # ------------------------------------------------------------ what viewers say

    def _received(
        self, identity: ViewerId, message: up.FromViewer, now: float
    ) -> Iterable[Command]:
        viewer = self.viewers.get(identity)
        if viewer is None or not viewer.connected:
            return ()
        match message:
            case up.Ack(update, _):
                viewer.acked(min(update, viewer.updates), now)
            case up.Visibility(visible):
                viewer.visible = visible
                return (Nudge(),) if visible else ()
            case up.Ping(token):
                return (SendTo(identity, up.Pong(token)),)
            case up.GiveCredentials(username, password):
                if viewer.role is not Role.OBSERVER:
                    return (Authenticate(Credentials(username, password)),)
            case up.Attach():
                return (EndViewer(identity, Reason.PROTOCOL_ERROR, "Attach comes only once"),)
            case up.Pong():
                pass
            case _:
                return self._input(viewer, message, now)
        return ()

    def _input(self, viewer: Viewer, message: up.Input, now: float) -> list[InputCommand]:
        if not viewer.hands.fresh(message) or viewer.role is Role.OBSERVER:
            return []
        self._acted = now
        before: list[InputCommand] = []
        match message:
            case up.Text(_, text):
                self._typist.type(text)
            case up.Key(_, True):
                before = [Press(s.down, s.keysym, s.scancode) for s in self._typist.interrupt()]
            case _:
                pass
        return before + viewer.hands.handle(message)

    def _acknowledge(self, now: float) -> list[Command]:
        """Tell viewers which inputs are handled: some time after, so never ahead of pixels."""
        behind = [v for v in self._connected() if v.acked_input < v.hands.last_input]
        if not behind:
            self._input_ack_due = None
            return []
        if self._input_ack_due is None:
            self._input_ack_due = now + INPUT_ACK_AFTER_S
        if now < self._input_ack_due:
            return []
        self._input_ack_due = None
        for viewer in behind:
            viewer.acked_input = viewer.hands.last_input
        return [SendTo(v.id, down.InputAck(v.acked_input)) for v in behind]

    def _act(self, now: float) -> list[Command]:
        """Type what is due, and keep the display's refresh awake while somebody acts."""
        commands: list[Command] = [
            Press(s.down, s.keysym, s.scancode) for s in self._typist.strokes(now)
        ]
        if commands:
            self._acted = now
        if self._nudging(now) and now >= self._next_nudge:
            self._next_nudge = now + NUDGE_EVERY_S
            commands.append(Nudge())
        return commands

    def _nudging(self, now: float) -> bool:
        return self.idle_backoff and now - self._acted < NUDGE_FOR_S

    # ------------------------------------------------------------ what the display says

    def _displayed(self, displayed: Displayed, now: float) -> Iterable[Command]:  # noqa: C901
        match displayed.event:
            case Updated():
                self._awaits_picture = False
                self._mark(now)
                return ()
            case Opened(_, _, name):
                self._opened = True
                self._awaits_picture = True
                self._mark(now)
                size = self._each(self._desktop)
                return [
                    *size,
                    *self._named(name),
                    *self._opened_state(),
                    Watch(self._watching),
                ]
            case Resized():
                self._mark(now)
                return self._each(self._desktop)
            case CursorChanged(cursor):
                self._cursor = cursor
                return self._tell(_shape(cursor))
            case LedsChanged(leds):
                self._leds = leds
                return self._tell(down.Leds(leds))
            case PointerModeChanged(absolute):
                self._absolute = absolute
                return self._tell(down.PointerMode(absolute))
            case NameChanged(name):
                return self._named(name)
            case Bell():
                return self._tell(down.RingBell())
            case CutText(text):
                return self._tell(down.GuestClipboard(cut(text, up.MAX_CLIPBOARD_BYTES)))
            case CredentialsRequired(username, retry):
                wanted = "username password" if username else "password"
                detail = f"{wanted} retry" if retry else wanted
                return self._tell_state(MachineState.CREDENTIALS, detail)
            case Lost(message, permanent):
                self._awaits_picture = self._awaits_picture or not self.settled
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

    def _mark(self, now: float) -> None:
        """Remember which version was current when, to know what has rested since."""
        self._marks.append((now, self.mirror.version))
        self._rested(now)  # forgets older marks

    def _rested(self, now: float) -> int:
        """The newest version that is at least ``REST_S`` old."""
        while len(self._marks) > 1 and self._marks[1][0] <= now - REST_S:
            self._marks.popleft()
        if not self._marks or self._marks[0][0] > now - REST_S:
            return 0
        return self._marks[0][1]

    def _tell_state(self, state: MachineState, detail: str) -> list[Command]:
        new = down.Machine(state, detail)
        if new == self.state:
            return []
        if state in (MachineState.OFF, MachineState.LOST, MachineState.FAILED):
            self._typist.forget()
        self.state = new
        return self._tell(new)

    def _tell(self, message: ToViewer) -> list[Command]:
        return [SendTo(v.id, message) for v in self._connected()]

    def _each(self, messages: Callable[[Viewer], list[ToViewer]]) -> list[Command]:
        return [SendTo(v.id, m) for v in self._connected() for m in messages(v)]

    def _connected(self) -> list[Viewer]:
        return [v for v in self.viewers.values() if v.connected]

    # ------------------------------------------------------------ pixels go out

    def _flush(self, viewer: Viewer, now: float) -> list[Command]:
        """Start an update for *viewer* if there is something to show and room for it."""
        if not self._ready(viewer):
            return []
        if not viewer.up_to_date(self.mirror):
            stale = viewer.stale(self.mirror)
            if stale.any():
                return self._start(viewer, stale, JPEG_QUALITY, now)
        if not viewer.any_lossy:
            return []
        blurred = viewer.blurred(self.mirror, self._rested(now))
        if blurred.any():
            return self._start(viewer, blurred, None, now)
        return []

    def _ready(self, viewer: Viewer) -> bool:
        return (
            self._opened
            and self.settled
            and not self._awaits_picture
            and viewer.watching
            and viewer.desktop == (self.mirror.width, self.mirror.height)
            and viewer.batch is None
            and viewer.pacer.may_send()
        )

    def _start(
        self, viewer: Viewer, mask: TileMask, quality: int | None, now: float
    ) -> list[Command]:
        mirror = self.mirror
        mask, whole = first_tiles(mask, MAX_UPDATE_AREA)
        keys = [
            EncodeKey(rect, int(mirror.versions[tiles(rect)].max()), quality)
            for rect in rects_of(mask, mirror.width, mirror.height)
        ]
        viewer.begin(mirror, keys, all_stale=whole)
        commands: list[Command] = []
        for key in keys:
            cached = self._cache.get(key)
            if cached is not None:
                self._deliver(viewer, key, cached)
            elif key not in self._encoding:
                self._encoding.add(key)
                commands.append(Encode(key, mirror.snapshot(key.rect)))
        return [*commands, *self._send_if_complete(viewer, now)]

    def _encoded(self, key: EncodeKey, encoded: Encoded, now: float) -> list[Command]:
        self._encoding.discard(key)
        self._remember(key, encoded)
        commands: list[Command] = []
        for viewer in self.viewers.values():
            if viewer.batch is not None and key in viewer.batch.keys:
                self._deliver(viewer, key, encoded)
                commands += self._send_if_complete(viewer, now)
        return commands

    @staticmethod
    def _deliver(viewer: Viewer, key: EncodeKey, encoded: Encoded) -> None:
        if viewer.batch is not None:
            viewer.batch.done[key] = encoded

    def _send_if_complete(self, viewer: Viewer, now: float) -> list[Command]:
        batch = viewer.batch
        if batch is None or not batch.complete:
            return []
        viewer.batch = None
        viewer.updates += 1
        update = _update(viewer.updates, batch)
        viewer.went(batch, sum(len(p.payload) for p in update.pieces), now)
        return [SendTo(viewer.id, update)]

    def _remember(self, key: EncodeKey, encoded: Encoded) -> None:
        self._cache[key] = encoded
        self._cached_bytes += len(encoded.payload)
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped.payload)

    # ------------------------------------------------------------ time

    def _next_wake(self, now: float) -> float | None:
        """When something will be due although nothing happens."""
        times: list[float] = []
        if self._typist.due is not None:
            times.append(self._typist.due)
        if self._nudging(now):
            times.append(self._next_nudge)
        if self._input_ack_due is not None:
            times.append(self._input_ack_due)
        if any(v.watching and v.any_lossy for v in self.viewers.values()):
            times.append(now + REST_S)
        return max(now, min(times)) if times else None


def cut(text: str, size_bytes: int) -> str:
    """At most so many bytes of UTF-8, whole characters only."""
    return text.encode()[:size_bytes].decode(errors="ignore")


def _update(number: int, batch: Batch) -> down.Update:
    pieces = tuple(
        Piece(
            _CODECS[batch.done[key].kind],
            key.rect.x,
            key.rect.y,
            key.rect.width,
            key.rect.height,
            batch.done[key].payload,
        )
        for key in batch.keys
    )
    return down.Update(number, any(e.lossy for e in batch.done.values()), pieces)


def _shape(cursor: Cursor) -> down.CursorShape:
    return down.CursorShape(cursor.hot_x, cursor.hot_y, cursor.width, cursor.height, cursor.rgba)
