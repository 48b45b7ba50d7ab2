"""The asyncio shell around one session's brain: link, connections, encoders, alarm clock."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial
from typing import Protocol

from webvdi.base.tasks import TaskOwner
from webvdi.codecs import Encoded
from webvdi.display.source import DisplayEvent, DisplaySource, PowerOrder
from webvdi.framebuffer import Framebuffer
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.core import SessionCore
from webvdi.managed.display_link import DisplayLink, Target
from webvdi.managed.encodes import encoded
from webvdi.managed.glances import Glances
from webvdi.managed.messages import (
    FULL,
    AccessEnded,
    Admission,
    Attached,
    Attendee,
    Authenticate,
    Command,
    Detached,
    Displayed,
    Encode,
    EncodeDone,
    EndViewer,
    Event,
    Forgotten,
    Hold,
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
    TellPeople,
    Tick,
    ViewerId,
    WakeAt,
    Watch,
)
from webvdi.managed.pictures import Answer
from webvdi.managed.rights import Rights
from webvdi.wire.from_viewer import Capability, FromViewer
from webvdi.wire.to_viewer import Machine, MachineState, Reason

logger = logging.getLogger(__name__)

LINGER_S = 60.0
"""How long a viewer may be away and still resume, and how long an unwatched session stays warm."""

MAX_VIEWERS_KEPT = 256
"""Viewers remembered at once, attached or away; beyond it the one longest away is forgotten."""


_ENDS_OF_TRYING = (MachineState.FAILED, MachineState.CREDENTIALS)
"""What a link comes to that is known although none is kept."""


class Reports(Protocol):
    """Whom a session tells what concerns others."""

    def endpoint_lost(self, session: str, generation: str, why: str) -> None:
        """The display is gone; a fresh endpoint may help."""

    def people(self, session: str, people: tuple[Attendee, ...]) -> None:
        """Who is connected now."""

    def idle(self, session: str) -> None:
        """Nobody has watched for a while; at most pictures are asked for."""

    def power(self, session: str, *, offered: bool) -> None:
        """Whether the display takes orders for its machine, as of now."""

    def link(self, session: str, link: Machine | None) -> None:
        """How the link to the display is, as viewers see it; None while none is wanted."""

    def failed(self) -> None:
        """Something of ours failed: the worker ends, and its sessions begin anew."""


class Session:
    """One machine that somebody looks at."""

    def __init__(
        self,
        name: str,
        title: str,
        encoders: Executor,
        reports: Reports,
    ) -> None:
        self.name = name
        self._title = title
        self._encoders = encoders
        self._reports = reports
        self._loop = asyncio.get_running_loop()
        self._tasks = TaskOwner(f"session {name}")
        self._core = _fresh_core(title)
        self._link = DisplayLink(
            self._tasks,
            self._displayed,
            lambda generation, why: reports.endpoint_lost(name, generation, why),
            reports.failed,
            self._tell_link,
        )
        self._rights = Rights(lambda viewer, why: self._handle(AccessEnded(viewer, why)))
        self._glances = Glances(self._link, encoders, self._cool_down)
        self._connections: dict[ViewerId, ViewerConnection] = {}
        self._viewer_of: dict[ViewerConnection, ViewerId] = {}
        self._away: dict[ViewerId, asyncio.TimerHandle] = {}
        self._power_offered = False
        """As was told last."""
        self._link_told: Machine | None = None
        """As was told last."""
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._next_viewer = 1
        self._events: deque[Event] = deque()

    # ------------------------------------------------------------ what the router says

    def open(self, target: Target) -> None:
        """Show *target*; a repeat with the same target changes nothing."""
        if target == self._link.target and self._link.kept:
            return
        self._aim(target)
        self._tell_power()
        self._glances.aimed()
        self._handle(MachineTold(MachineState.CONNECTING, ""))
        self._want_link()
        self._tell_link()

    def tell(self, state: MachineState, detail: str) -> None:
        """The broker knows the machine's state."""
        if state in (MachineState.OFF, MachineState.FAILED):
            self._aim(None)
            self._tell_power()
        self._handle(MachineTold(state, detail))
        self._tell_link()

    def attach(
        self,
        connection: ViewerConnection,
        admission: Admission,
        *,
        until: float = 0.0,
        capabilities: Capability = FULL,
    ) -> None:
        """A viewer with a checked ticket; its access ends at *until* (since the epoch, 0 never)."""
        if len(self._core.viewers) >= MAX_VIEWERS_KEPT and self._away:
            longest_away = next(iter(self._away))
            self._away[longest_away].cancel()
            self._forget(longest_away)
        viewer = ViewerId(self._next_viewer)
        self._next_viewer += 1
        self._connect(viewer, connection)
        key = f"{self.name}:{viewer}:{secrets.token_urlsafe(18)}"
        self._handle(Attached(viewer, admission, key, capabilities))
        self._want_link()
        self._rights.enter(viewer, key, admission.share, until)

    def resume(self, connection: ViewerConnection, key: str, last_update: int) -> None:
        """A viewer that shows a resume key."""
        for viewer in self._core.viewers.values():
            if secrets.compare_digest(viewer.resume_key.encode(), key.encode()):
                break
        else:
            self._refuse_resume(connection, key)
            return
        older = self._connections.get(viewer.id)
        if older is not None:
            older.farewell(Reason.SUPERSEDED, "this viewer attached again")
            self._disconnect(older)
        self._connect(viewer.id, connection)
        self._handle(Resumed(viewer.id, last_update))
        self._want_link()

    def _refuse_resume(self, connection: ViewerConnection, key: str) -> None:
        words = self._rights.words_for(key)
        if words is not None:
            connection.farewell(Reason.REVOKED, words)
        else:
            connection.farewell(Reason.RESUME_UNKNOWN, "this session no longer knows the viewer")

    def revoke(self, share: str) -> None:
        """Everyone who came by *share* goes, those who are away too."""
        self._rights.revoke(share)

    async def picture(self, width: int, height: int, known: str | None) -> Answer:
        """The screen as it is, to fit *width* x *height*, or whole if both are 0."""
        return await self._glances.picture(self._core, width, height, known)

    async def order_power(self, order: PowerOrder) -> bool:
        """Have the display's machine shut down or reset; False where it takes no such orders."""
        if self._link.source is None:  # nobody looks: have a link made, as for a picture
            await self._glances.picture(self._core, 0, 0, None)
        source = self._link.source
        if source is None or not source.offers_power_control:
            return False
        source.order_power(order)
        return True

    async def close(self, reason: Reason, message: str) -> None:
        """End the session: farewell to everyone."""
        leaving = list(self._connections.values())
        for connection in leaving:
            connection.farewell(reason, message)
        self._rights.close()
        self._link.let_go()
        self._glances.close()
        for handle in [*self._away.values(), *([self._alarm] if self._alarm else [])]:
            handle.cancel()
        await self._tasks.close()
        await asyncio.gather(*(connection.gone.wait() for connection in leaving))

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
        self._rights.forget(viewer)
        self._handle(Forgotten(viewer))
        self._cool_down()
        if not self._connections and not self._away and not self._link.listens:
            self._reports.idle(self.name)

    def _cool_down(self) -> None:
        """If nobody has looked for a while: let go of link and mirror."""
        if self._connections or self._away or self._glances.wanted or self._link.listens:
            return
        self._link.let_go()
        self._tell_power()
        state = self._core.state
        self._core = _fresh_core(self._title)
        self._glances.begin_anew()
        if state.state in (MachineState.OFF, MachineState.FAILED, MachineState.PAUSED):
            self._core.state = state
        self._tell_link()

    # ------------------------------------------------------------ the display

    def _aim(self, target: Target | None) -> None:
        """Follow another display; what the present one leaves half drawn is shown to nobody."""
        if self._link.source is not None:
            self._core.pixels.settled = self._link.source.settled
            self._core.pixels.display_lost()
        self._link.aim(target)

    def _want_link(self) -> None:
        if self._connections or self._glances.wanted or self._link.listens:
            self._link.want(self._core.mirror)

    def _displayed(self, event: DisplayEvent) -> None:
        self._handle(Displayed(event))
        self._tell_power()
        self._tell_link()
        self._glances.heard(event, followed=self._core.followed)

    def _tell_power(self) -> None:
        offered = self._link.source is not None and self._link.source.offers_power_control
        if offered != self._power_offered:
            self._power_offered = offered
            self._reports.power(self.name, offered=offered)

    def _tell_link(self) -> None:
        state = self._core.state
        known = self._link.kept or state.state in _ENDS_OF_TRYING
        link = state if known else None
        if link != self._link_told:
            self._link_told = link
            self._reports.link(self.name, link)

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
            self._reports.failed()
            raise

    def _think(self, event: Event) -> list[Command]:
        core, source = self._core, self._link.source
        core.pixels.settled = source is None or source.settled
        core.acting.idle_backoff = source is not None and source.idle_backoff
        return core.handle(event, self._loop.time())

    def _perform(self, commands: Iterable[Command]) -> None:  # noqa: C901 — one line a command
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
                    if not self._link.authenticate(credentials):
                        self._want_link()
                case TellPeople(people):
                    self._reports.people(self.name, people)
                case _:
                    if self._link.source is not None:
                        _tell(self._link.source, command)

    def _encode(self, command: Encode) -> None:
        future = self._loop.run_in_executor(
            self._encoders, encoded, command.parts, command.key.quality, command.key.thorough
        )
        future.add_done_callback(partial(self._encoded, command))

    def _encoded(self, command: Encode, future: asyncio.Future[Encoded]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            self._handle(EncodeDone(command.key, future.result()))
        else:
            logger.error("session %s: encoding failed", self.name, exc_info=error)
            self._reports.failed()

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


def _fresh_core(title: str) -> SessionCore:
    return SessionCore(Framebuffer(1, 1), title, secrets.token_bytes(32))


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
        case Hold(held):
            source.hold(held)
        case _:
            raise AssertionError(command)
