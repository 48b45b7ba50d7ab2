"""The asyncio shell around one session's brain: link, connections, encoders, alarm clock."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from webvdi.base.tasks import TaskOwner
from webvdi.codecs import Encoded, encode_lossless, encode_lossy
from webvdi.display.endpoint import Endpoint
from webvdi.display.rfb_source import RfbSource
from webvdi.display.source import (
    Credentials,
    CredentialsRequired,
    DisplayEvent,
    DisplaySource,
    Lost,
    Opened,
)
from webvdi.framebuffer import Framebuffer, Pixels
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.core import SessionCore
from webvdi.managed.messages import (
    Attached,
    Authenticate,
    Command,
    Detached,
    Displayed,
    Encode,
    EncodeDone,
    EndViewer,
    Event,
    Forgotten,
    MachineTold,
    Move,
    Nudge,
    Point,
    Press,
    Received,
    RequestSize,
    Resumed,
    SendTo,
    SetClipboard,
    Tick,
    ViewerId,
    WakeAt,
    Watch,
)
from webvdi.wire.from_viewer import FromViewer
from webvdi.wire.to_viewer import MachineState, Reason, Role

logger = logging.getLogger(__name__)

LINGER_S = 60.0
"""How long a viewer may be away and still resume, and how long an unwatched session stays warm."""

RETRY_S = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0)
"""Pauses between attempts to reach a display; the last one repeats."""

INLINE_AREA = 128 * 128
"""Pixels encoded on the spot: handing them to a thread and back would take as long."""

MAX_VIEWERS_KEPT = 256
"""Viewers remembered at once, attached or away; beyond it the one longest away is forgotten."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a session shows: an endpoint, valid for one generation of a machine."""

    endpoint: Endpoint
    generation: str
    credentials: Credentials | None = None


class Session:
    """One machine that somebody looks at."""

    def __init__(
        self,
        name: str,
        title: str,
        encoders: Executor,
        on_endpoint_lost: Callable[[str, str], None],
        on_failure: Callable[[], None],
    ) -> None:
        self.name = name
        self._title = title
        self._encoders = encoders
        self._on_endpoint_lost = on_endpoint_lost
        self._on_failure = on_failure
        """Called when something of ours failed: the worker ends, and its sessions begin anew."""
        self._loop = asyncio.get_running_loop()
        self._tasks = TaskOwner(f"session {name}")
        self._core = SessionCore(Framebuffer(1, 1), title)
        self._source: DisplaySource | None = None
        self._source_task: asyncio.Task[None] | None = None
        self._lost: Lost | None = None
        self._opened = False
        self._target: Target | None = None
        self._credentials: Credentials | None = None
        self._connections: dict[ViewerId, ViewerConnection] = {}
        self._viewer_of: dict[ViewerConnection, ViewerId] = {}
        self._away: dict[ViewerId, asyncio.TimerHandle] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._next_viewer = 1
        self._events: deque[Event] = deque()

    # ------------------------------------------------------------ what the router says

    def open(self, target: Target) -> None:
        """Show *target*; a repeat with the same target changes nothing."""
        if target == self._target and self._source_task is not None:
            return
        self._target = target
        self._credentials = target.credentials
        self._handle(MachineTold(MachineState.CONNECTING, ""))
        self._restart_source()

    def tell(self, state: MachineState, detail: str) -> None:
        """The broker knows the machine's state."""
        if state in (MachineState.OFF, MachineState.FAILED):
            self._stop_source()
            self._target = None
        self._handle(MachineTold(state, detail))

    def attach(self, connection: ViewerConnection, role: Role) -> None:
        """A viewer with a checked ticket."""
        if len(self._core.viewers) >= MAX_VIEWERS_KEPT and self._away:
            longest_away = next(iter(self._away))
            self._away[longest_away].cancel()
            self._forget(longest_away)
        viewer = ViewerId(self._next_viewer)
        self._next_viewer += 1
        self._connect(viewer, connection)
        key = f"{self.name}:{viewer}:{secrets.token_urlsafe(18)}"
        self._handle(Attached(viewer, role, key))
        self._want_source()

    def resume(self, connection: ViewerConnection, key: str, last_update: int) -> None:
        """A viewer that shows a resume key."""
        for viewer in self._core.viewers.values():
            if secrets.compare_digest(viewer.resume_key.encode(), key.encode()):
                break
        else:
            connection.farewell(Reason.RESUME_UNKNOWN, "this session no longer knows the viewer")
            return
        older = self._connections.get(viewer.id)
        if older is not None:
            older.farewell(Reason.SUPERSEDED, "this viewer attached again")
            self._disconnect(older)
        self._connect(viewer.id, connection)
        self._handle(Resumed(viewer.id, last_update))
        self._want_source()

    async def close(self, reason: Reason, message: str) -> None:
        """End the session: farewell to everyone."""
        for connection in list(self._connections.values()):
            connection.farewell(reason, message)
        for handle in [*self._away.values(), *([self._alarm] if self._alarm else [])]:
            handle.cancel()
        self._source_task = None
        await self._tasks.close()

    # ------------------------------------------------------------ what connections say

    def received(self, connection: ViewerConnection, message: FromViewer) -> None:
        """See :class:`ConnectionOwner`."""
        viewer = self._viewer_of.get(connection)
        if viewer is not None:
            self._handle(Received(viewer, message))

    def ended(self, connection: ViewerConnection) -> None:
        """See :class:`ConnectionOwner`."""
        self._disconnect(connection)

    def _connect(self, viewer: ViewerId, connection: ViewerConnection) -> None:
        away = self._away.pop(viewer, None)
        if away is not None:
            away.cancel()
        self._connections[viewer] = connection
        self._viewer_of[connection] = viewer

    def _disconnect(self, connection: ViewerConnection) -> None:
        viewer = self._viewer_of.pop(connection, None)
        if viewer is None:
            return
        del self._connections[viewer]
        self._handle(Detached(viewer))
        self._away[viewer] = self._loop.call_later(LINGER_S, self._forget, viewer)

    def _forget(self, viewer: ViewerId) -> None:
        self._away.pop(viewer, None)
        self._handle(Forgotten(viewer))
        if not self._connections and not self._away:
            self._cool_down()

    def _cool_down(self) -> None:
        """Nobody has looked for a while: let go of link and mirror."""
        self._stop_source()
        state = self._core.state
        self._core = SessionCore(Framebuffer(1, 1), self._title)
        if state.state in (MachineState.OFF, MachineState.FAILED, MachineState.PAUSED):
            self._core.state = state

    # ------------------------------------------------------------ the display

    def _want_source(self) -> None:
        if self._source_task is None and self._target is not None:
            self._restart_source()

    def _restart_source(self) -> None:
        self._stop_source()
        if self._connections:
            self._source_task = self._tasks.start(self._keep_source(), name="display")

    def _stop_source(self) -> None:
        if self._source_task is not None:
            self._source_task.cancel()
            self._source_task = None
        self._source = None

    async def _keep_source(self) -> None:
        """Keep a link to the display, through losses, until cancelled or it is pointless."""
        try:
            await self._keep_linked()
        except Exception:
            self._on_failure()
            raise

    async def _keep_linked(self) -> None:
        attempt = 0
        while (target := self._target) is not None:
            self._lost, self._opened = None, False
            source = RfbSource(
                target.endpoint,
                self._core.mirror,
                self._displayed,
                credentials=self._credentials,
            )
            self._source = source
            await source.run()
            self._source = None
            lost = self._loss()
            if lost is None or lost.permanent:
                break
            if self._opened:
                attempt = 0
            self._on_endpoint_lost(target.generation, lost.message)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
        self._source_task = None

    def _loss(self) -> Lost | None:
        """How the last link ended; set by the listener while it ran."""
        return self._lost

    def _displayed(self, event: DisplayEvent) -> None:
        match event:
            case Opened():
                self._opened = True
            case Lost(wrong_credentials=True):
                self._lost = event
                username = bool(self._credentials and self._credentials.username)
                self._credentials = None
                event = CredentialsRequired(username, retry=True)
            case Lost():
                self._lost = event
        self._handle(Displayed(event))

    # ------------------------------------------------------------ the brain

    def _handle(self, event: Event) -> None:
        """Give the brain an event; those that come of performing its commands wait their turn."""
        self._events.append(event)
        if len(self._events) > 1:
            return
        try:
            while self._events:
                self._perform(self._think(self._events[0]))
                self._events.popleft()
        except BaseException:
            self._events.clear()
            self._on_failure()
            raise

    def _think(self, event: Event) -> list[Command]:
        core, source = self._core, self._source
        core.settled = source is None or source.settled
        core.idle_backoff = source is not None and source.idle_backoff
        return core.handle(event, self._loop.time())

    def _perform(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case SendTo(viewer, message):
                    if connection := self._connections.get(viewer):
                        connection.send(message)
                case EndViewer(viewer, reason, message):
                    if connection := self._connections.get(viewer):
                        connection.farewell(reason, message)
                case Encode():
                    self._encode(command)
                case WakeAt(at):
                    self._wake_at(at)
                case Authenticate(credentials):
                    self._authenticate(credentials)
                case _:
                    if self._source is not None:
                        _tell(self._source, command)

    def _authenticate(self, credentials: Credentials) -> None:
        self._credentials = credentials
        if self._source is not None:
            self._source.authenticate(credentials)
        else:
            self._want_source()

    def _encode(self, command: Encode) -> None:
        pixels, quality = command.pixels, command.key.quality
        if pixels.shape[0] * pixels.shape[1] <= INLINE_AREA:
            done = EncodeDone(command.key, encode(pixels, quality))
            self._handle(done)
            return
        future = self._loop.run_in_executor(self._encoders, encode, pixels, quality)
        future.add_done_callback(partial(self._encoded, command))

    def _encoded(self, command: Encode, future: asyncio.Future[Encoded]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            self._handle(EncodeDone(command.key, future.result()))
        else:
            logger.error("session %s: encoding failed", self.name, exc_info=error)
            self._on_failure()

    def _wake_at(self, at: float) -> None:
        if self._alarm is not None:
            if self._alarm_at == at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._woken)

    def _woken(self) -> None:
        self._alarm = None
        self._handle(Tick())


def encode(pixels: Pixels, quality: int | None) -> Encoded:
    """Encode as an :class:`EncodeKey` asks."""
    return encode_lossless(pixels) if quality is None else encode_lossy(pixels, quality)


def _tell(source: DisplaySource, command: Command) -> None:
    """Perform a command that is the display's business."""
    match command:
        case Press(down, keysym, scancode):
            source.key(down, keysym, scancode)
        case Point(x, y, buttons):
            source.pointer(x, y, buttons)
        case Move(dx, dy, buttons):
            source.motion(dx, dy, buttons)
        case SetClipboard(text):
            source.cut_text(text)
        case RequestSize(width, height):
            source.request_size(width, height)
        case Nudge():
            if source.idle_backoff:
                source.nudge()
        case Watch(watching):
            source.watch(watching)
        case _:
            raise AssertionError(command)
