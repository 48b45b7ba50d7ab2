"""Fixed RFB servers (``webvdi view``), offered as machines are: to be looked at, not to be run."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2s
from pathlib import Path
from typing import Any, Literal, NoReturn

from webvdi import __version__
from webvdi.base.errors import NotFound, Refused, StateError
from webvdi.base.paths import Places
from webvdi.broker.hub import ChangeHub
from webvdi.broker.screens import recently_revoked
from webvdi.broker.sessions import Screen, Sessions
from webvdi.broker.shares import ShareBook
from webvdi.broker.views import (
    Change,
    Changes,
    GuestView,
    HostView,
    ImageView,
    JournalEntry,
    Kind,
    MachineView,
    NewMachine,
    Person,
    Phase,
    SerialChunk,
    Thumbnail,
    UploadView,
    Visitor,
)
from webvdi.display.endpoint import Endpoint
from webvdi.display.source import PowerOrder
from webvdi.store import Database, open_database
from webvdi.wire.to_viewer import MachineState

ORDERS = {"stop": PowerOrder.SHUTDOWN, "reset": PowerOrder.RESET}
"""Verbs that fit a display that takes orders for its machine."""


LINKS = {
    MachineState.CONNECTING: "connecting",
    MachineState.LIVE: "live",
    MachineState.LOST: "unreachable",
    MachineState.FAILED: "unreachable",
    MachineState.CREDENTIALS: "password",
}
"""How a display's link is called."""


@dataclass(frozen=True, slots=True)
class Display:
    """An RFB server that is simply there, or not."""

    name: str
    """What people type; unique."""
    title: str
    endpoint: Endpoint
    password: str | None = field(default=None, repr=False)
    tls: Mapping[str, Any] | None = None
    """``TlsPolicy.to_json()``, where the link is to be encrypted."""

    @property
    def id(self) -> str:
        """The same in every process, for the same name."""
        return f"d-{blake2s(self.name.encode(), digest_size=5).hexdigest()}"


class Displays:
    """:class:`~webvdi.broker.catalogue.Catalogue` of fixed displays, and their screens."""

    def __init__(
        self,
        displays: Sequence[Display],
        records: Database,
        hub: ChangeHub,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._displays = {display.id: display for display in displays}
        self._records = records
        self._hub = hub
        self._clock = clock
        self._began = clock()
        self.sessions: Sessions
        """Set by the service that puts the two together."""

    # Screens, for the Managed Server -----------------------------------------------------------

    async def screen(self, session: str) -> Screen | None:
        """Always the same; whether it answers, the session finds out."""
        display = self._displays.get(session)
        if display is None:
            return None
        return Screen(
            display.title,
            MachineState.CONNECTING,
            "",
            display.endpoint,
            "fixed",
            display.password,
            display.tls,
        )

    async def revoked(self) -> Sequence[str]:
        """Shares that were revoked lately."""
        return await recently_revoked(self._records, self._clock())

    # The catalogue ------------------------------------------------------------------------------

    async def list(self) -> tuple[MachineView, ...]:
        """As the contract says."""
        views = [self._view(display) for display in self._displays.values()]
        return tuple(sorted(views, key=lambda view: view.name))

    async def get(self, ref: str) -> MachineView:
        """As the contract says."""
        return self._view(self._found(ref))

    async def create(self, wanted: NewMachine) -> MachineView:
        """Displays are named when the program starts."""
        _not_ours(f"make {wanted.name}")

    async def change(self, ref: str, changes: Changes) -> MachineView:
        """Displays are named when the program starts."""
        del changes
        _not_ours(f"change {self._found(ref).title}")

    async def delete(self, ref: str) -> None:
        """Displays are named when the program starts."""
        _not_ours(f"delete {self._found(ref).title}")

    async def do(
        self,
        verb: str,
        ref: str,
        *,
        graceful: bool = True,
        timeout_s: float = 60.0,
        force: bool = False,
    ) -> MachineView:
        """Where the display takes orders for its machine (xvp): ``stop`` and ``reset``.

        The order is given, not followed: what the machine makes of it, its screen shows.
        """
        del timeout_s, force
        display = self._found(ref)
        order = ORDERS.get(verb)
        if order is None or (order is PowerOrder.SHUTDOWN and not graceful):
            _not_ours(f"{verb} {display.title}" + ("" if order is None else " by force"))
        if not await self.sessions.order_power(display.id, order):
            raise Refused(
                f"{display.title} cannot be told to {verb}: its VNC server offers no power"
                " control (xvp), or cannot be reached",
                reason="not_ours",
            )
        return self._view(display)

    async def screenshot(self, ref: str) -> tuple[bytes, str]:
        """As the contract says: the session's own picture."""
        display = self._found(ref)
        picture = await self.sessions.screenshot(display.id)
        if picture is None:
            raise StateError(
                f"there is no picture of {display.title}", state="unknown", required="connected"
            )
        return picture

    async def thumbnail(self, ref: str, width: int, height: int, known: str | None) -> Thumbnail:
        """As the contract says."""
        return await self.sessions.thumbnail(self._found(ref).id, width, height, known)

    async def ticket(self, ref: str, who: Visitor, *, view_only: bool, name: str) -> str:
        """As the contract says."""
        session = self._found(ref).id
        return await self.sessions.ticket(session, who, view_only=view_only, name=name)

    async def viewers(self, ref: str) -> tuple[Person, ...]:
        """As the contract says."""
        return await self.sessions.people(self._found(ref).id)

    async def serial(self, ref: str, offset: int) -> SerialChunk:
        """There is none."""
        self._found(ref)
        del offset
        return SerialChunk(0, b"", 0, 0)

    async def serial_write(self, ref: str, data: bytes) -> None:
        """There is none."""
        del data
        _not_ours(f"type into a serial port of {self._found(ref).title}")

    async def journal(self, ref: str, *, limit: int = 200) -> tuple[JournalEntry, ...]:
        """Nothing is written down about displays."""
        self._found(ref)
        del limit
        return ()

    def changes(self) -> AsyncIterator[Change]:
        """As the contract says."""
        return self._hub.listen()

    def _found(self, ref: str) -> Display:
        if ref in self._displays:
            return self._displays[ref]
        for display in self._displays.values():
            if display.name == ref:
                return display
        raise NotFound("display", ref)

    def _view(self, display: Display) -> MachineView:
        link = self.sessions.link(display.id)
        lost = link is not None and LINKS.get(link.state) == "unreachable"
        return MachineView(
            id=display.id,
            kind=Kind.DISPLAY,
            name=display.name,
            title=display.title,
            phase=Phase.READY,
            state="running",
            can=tuple(ORDERS) if self.sessions.takes_orders(display.id) else (),
            generation=1,
            since=self._began,
            detail=link.detail if link is not None and lost else "",
            exit_reason=None,
            progress=None,
            source={"kind": "display", "endpoint": str(display.endpoint)},
            cpus=None,
            memory_mib=None,
            network=None,
            profile=None,
            acceleration=None,
            acceleration_reason="",
            acceleration_code="",
            disks=(),
            cdrom=None,
            autostart=None,
            at_shutdown="shutdown",
            notes="",
            created=self._began,
            viewers=self.sessions.count(display.id),
            link=None if link is None else LINKS.get(link.state),
        )

    async def session_names(self) -> Sequence[str]:
        """The ids of all displays."""
        return tuple(self._displays)


class _DisplayScreens:
    """:class:`~webvdi.broker.sessions.Screens` of displays."""

    def __init__(self, displays: Displays) -> None:
        self.sessions = displays.session_names
        self.screen = displays.screen
        self.revoked = displays.revoked


class NoImages:
    """:class:`~webvdi.broker.images.Images` where there are none."""

    async def list(self) -> tuple[ImageView, ...]:
        """None."""
        return ()

    async def delete(self, image: str) -> None:
        """There is none."""
        raise NotFound("image", image)

    async def add(self, path: Path, *, name: str | None = None) -> ImageView:
        """Nothing here could use it."""
        _not_ours(f"keep {name or path.name}")

    async def begin(self, name: str, size_bytes: int) -> UploadView:
        """Nothing here could use it."""
        del size_bytes
        _not_ours(f"keep {name}")

    async def append(self, upload: str, offset: int, chunks: AsyncIterator[bytes]) -> UploadView:
        """There is none."""
        del offset, chunks
        raise NotFound("upload", upload)

    async def upload(self, upload: str) -> UploadView:
        """There is none."""
        raise NotFound("upload", upload)

    async def uploads(self) -> tuple[UploadView, ...]:
        """None."""
        return ()

    async def abort(self, upload: str) -> None:
        """There is none."""
        raise NotFound("upload", upload)


class NoGuests:
    """:class:`~webvdi.broker.guests.Guests` where there are none."""

    async def list(self) -> tuple[GuestView, ...]:
        """None."""
        return ()

    async def build(self, name: str) -> GuestView:
        """There is none."""
        raise NotFound("guest", name)

    async def cancel(self, name: str) -> GuestView:
        """There is none."""
        raise NotFound("guest", name)

    async def prune(self) -> int:
        """Nothing to remove."""
        return 0


class DisplayService:
    """:class:`~webvdi.broker.catalogue.UseCases` on fixed displays."""

    mode: Literal["service", "view"] = "view"

    def __init__(
        self,
        displays: Sequence[Display],
        places: Places,
        key: bytes,
        records: Database,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.hub = ChangeHub()
        self.catalogue = Displays(displays, records, self.hub, clock=clock)
        self.sessions = Sessions(
            _DisplayScreens(self.catalogue),
            places.run / "control.sock",
            key,
            on_viewers=lambda display: self.hub.publish(Change("viewers", display)),
            on_power=lambda display: self.hub.publish(Change("machine", display)),
            on_link=lambda display: self.hub.publish(Change("machine", display)),
            clock=clock,
        )
        self.catalogue.sessions = self.sessions
        self.shares = ShareBook(
            records,
            self.catalogue.get,
            self.sessions.revoke,
            lambda share: self.hub.publish(Change("share", share)),
            clock=clock,
        )
        self.images = NoImages()
        self.guests = NoGuests()

    async def host(self) -> HostView:
        """As the contract says; the host hardly matters here."""
        return HostView(__version__, self.mode)

    async def run(self) -> None:
        """Keep the Managed Server informed, until cancelled."""
        await self.sessions.run()


@asynccontextmanager
async def open_displays(
    displays: Sequence[Display],
    places: Places,
    key: bytes,
    *,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[DisplayService]:
    """Offer *displays*; share links are kept in *places*' state."""
    async with AsyncExitStack() as stack:
        records = await stack.enter_async_context(open_database(places.state / "webvdi.db"))
        service = DisplayService(displays, places, key, records, clock=clock)
        stack.callback(service.hub.close)
        yield service


def _not_ours(what: str) -> NoReturn:
    raise Refused(f"webvdi only shows this display, so it cannot {what}", reason="not_ours")
