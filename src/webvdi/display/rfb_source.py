"""A display source that is an RFB (VNC) server: the asyncio shell around the ``rfb`` core."""

import ipaddress
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from webvdi.display import source
from webvdi.display.endpoint import Endpoint, UnixEndpoint
from webvdi.display.rfb_link import RfbLink
from webvdi.display.tls import TlsPolicy
from webvdi.framebuffer import Framebuffer
from webvdi.rfb import events
from webvdi.rfb.arrival import Arrival
from webvdi.rfb.client_messages import PowerOrder
from webvdi.rfb.encodings import LOCAL_ENCODINGS, REMOTE_ENCODINGS
from webvdi.rfb.link import Credentials, Encryption, Phase
from webvdi.rfb.protocol import RfbProtocol

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
"""How long connecting may take, and then the handshake (a person's typing does not count)."""

MOTION_BACKLOG_BYTES: Final = 1 << 20
"""With so much unsent the peer lags so far behind that pointer motion is dropped."""


def idle_time() -> float:
    """Seconds in which this thread was not running, from an arbitrary point on."""
    return time.monotonic() - time.thread_time()


class RfbSource:
    """One link to one RFB server; each method as :class:`~webvdi.display.source.DisplaySource`."""

    def __init__(
        self,
        endpoint: Endpoint,
        mirror: Framebuffer,
        listener: source.DisplayListener,
        *,
        credentials: source.Credentials | None = None,
        tls: TlsPolicy | None = None,
        encodings: Sequence[int] | None = None,
        continuous: bool | None = None,
        connect_timeout_s: float = TIMEOUT_S,
        idle_clock: Callable[[], float] = idle_time,
    ) -> None:
        """*credentials* are used if the server asks; *encodings* replace the default ones.

        By default a server at a loopback address is treated as one on this host until its pixels
        come slowly: then as one on another host, for there is a tunnel.

        *continuous* tells whether updates may come without being asked for, which spares a round
        trip each and cannot be held; None: where the server is on another host.

        With *tls* the link is encrypted, or is lost; without it, it is where the server insists
        (and then the certificate is checked all the same).
        """
        self._endpoint = endpoint
        self._arrival = Arrival() if encodings is None and _may_be_tunnel(endpoint) else None
        """How fast pixels come, as long as that may change what we ask for."""
        self._idle_clock = idle_clock
        if encodings is None:
            encodings = default_encodings(endpoint)
        self._continuous_by_place = continuous is None
        """Whether it depends on where the server is that updates may come without being asked."""
        self._may_go_continuous = not is_local(endpoint) if continuous is None else continuous
        policy = tls or TlsPolicy()
        encryption = Encryption(required=tls is not None, anonymous=policy.anonymous)
        self._protocol = RfbProtocol(encodings, _for_rfb(credentials), encryption)
        self._link = RfbLink(
            endpoint, self._protocol, policy, connect_timeout_s, self._handle, self._note_arrival
        )
        self._mirror = mirror
        self._listener = listener
        self._settled = True
        self._unpainted = False
        """Whether the screen has a new size, and nothing of it has come yet."""
        self._watching = False
        self._held = False
        self._requested = False
        """Whether a request for an update stands unanswered."""
        self._incremental = False
        """Whether the mirror holds an earlier picture, so that changes to it are enough."""
        self._glancing = False
        """Whether a glance has not brought pixels yet."""
        self._continuous = False
        """Whether the server sends updates without being asked, as we told it."""
        self._ends_due = 0
        """How often we told it to stop without having heard that it did."""
        self._stopped_by_itself = False
        """Whether the server once stopped untold; it is asked for each update from then on."""
        self._buttons = 0
        """The buttons of the last pointer event."""

    @property
    def settled(self) -> bool:
        """Whether the mirror holds no half-written update just now."""
        return self._settled

    @property
    def idle_backoff(self) -> bool:
        """True for QEMU, whose refresh interval grows from 30 ms to 3 s when nothing happens."""
        return self._protocol.is_qemu and self._protocol.takes_scancodes

    async def run(self) -> None:
        """Connect, and serve the link until it ends.

        An exception of the listener ends the link and is raised here.
        """
        self._listener(await self._link.serve())

    # --- input, all without effect unless the link is open -----------------------------------

    @property
    def _open(self) -> bool:
        return self._protocol.phase is Phase.OPEN

    def key(self, down: bool, keysym: int, scancode: int) -> None:
        """Scancodes go to servers that know QEMU's key event, keysyms to all others."""
        if self._open:
            self._protocol.key(down, keysym, scancode)
            self._link.flush()

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """Back and forward (bits 7 and 8) have no place in RFB."""
        if self._open and self._has_room_for(buttons):
            self._protocol.pointer(x, y, buttons)
            self._link.flush()

    def motion(self, dx: int, dy: int, buttons: int) -> None:
        """Only for servers that asked for motion."""
        if self._open and self._has_room_for(buttons):
            self._protocol.motion(dx, dy, buttons)
            self._link.flush()

    def _has_room_for(self, buttons: int) -> bool:
        """Whether a pointer event is to be sent: always if a button changes."""
        changed, self._buttons = buttons != self._buttons, buttons
        return changed or self._link.backlog <= MOTION_BACKLOG_BYTES

    def cut_text(self, text: str) -> None:
        """In Latin-1; at most 1 MiB."""
        if self._open:
            self._protocol.cut_text(text)
            self._link.flush()

    def request_size(self, width: int, height: int) -> None:
        """Only for servers that announced ExtendedDesktopSize."""
        if self._open:
            self._protocol.request_size(width, height)
            self._link.flush()

    def nudge(self) -> None:
        """Only QEMU needs it."""
        if self._open and self.idle_backoff and self._link.backlog <= MOTION_BACKLOG_BYTES:
            self._protocol.nudge()
            self._link.flush()

    def glance(self) -> bool:
        """Whether a request for an update was sent, none standing."""
        if not self._open or self._requested:
            return False
        self._glancing = True
        self._protocol.request_update(incremental=self._incremental)
        self._requested = self._incremental = True
        self._link.flush()
        return True

    def watch(self, watching: bool) -> None:
        """A request that stands is left to lapse; its update still reaches the mirror."""
        if self._open:
            self._watching, self._glancing = watching, False
            if self._continuous and not watching:
                self._continuous = False
                self._ends_due += 1
                self._protocol.enable_continuous_updates(enable=False)
            self._request()
            self._link.flush()

    def hold(self, held: bool) -> None:
        """What comes without being asked for still comes."""
        if self._open:
            self._held = held
            self._request()
            self._link.flush()

    @property
    def offers_power_control(self) -> bool:
        """Whether the machine can be shut down, rebooted and reset through the link (xvp)."""
        return self._open and self._protocol.offers_power_control

    def order_power(self, order: source.PowerOrder) -> None:
        """Shut down, reboot or reset the machine; no effect where that is not offered."""
        if self._open:
            self._protocol.order_power(PowerOrder[order.name])
            self._link.flush()

    def authenticate(self, credentials: source.Credentials) -> None:
        """Nothing happens unless the server asked."""
        if self._protocol.phase is Phase.CREDENTIALS:
            self._protocol.authenticate(Credentials(credentials.username, credentials.password))
            self._link.go_on()

    # --- what the server says ----------------------------------------------------------------

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.Painted(rect, pixels):
                self._draw()
                self._mirror.put(rect, pixels)
            case events.Copied(rect, source_x, source_y):
                self._draw()
                self._mirror.copy(rect, source_x, source_y)
            case events.UpdateEnded():
                self._end_update()
            case events.Connected(width, height, name):
                self._resize(width, height)
                self._listener(source.Opened(width, height, name))
            case events.Resized(width, height):
                # Pixels have to follow before the mirror is a picture again: many servers end the
                # update that tells the size first.
                self._settled, self._unpainted = False, True
                self._incremental = False
                self._resize(width, height)
                self._listener(source.Resized(width, height))
            case events.ContinuousUpdatesEnded():
                self._hear_that_updates_ended()
            case events.PowerControlFailed():
                logger.warning("the display server could not do what it was ordered to")
            case _:
                said = _translated(event)
                if said is not None:
                    self._listener(said)

    def _draw(self) -> None:
        self._settled = self._glancing = self._unpainted = False

    def _end_update(self) -> None:
        # Some servers count an update of nothing but pseudo-rectangles as their answer (neatvnc,
        # TigerVNC), some do not (QEMU); asking again costs the latter nothing and keeps the former
        # going.  Not for the whole again: TigerVNC answers that with its screens' layout each time.
        self._requested = False
        self._notice_tunnel()
        self._request()
        if self._glancing:
            self.glance()
        if not self._settled and not self._unpainted:
            # The server is to paint the next update while this one is made use of.
            self._link.flush()
            self._settled = True
            self._listener(source.Updated())

    def _note_arrival(self, size: int) -> None:
        if self._arrival is not None:
            self._arrival.read(size, self._idle_clock(), updating=self._protocol.updating)

    def _notice_tunnel(self) -> None:
        """Once pixels have come slowly, treat the server as one on another host, for good."""
        if self._arrival is None or not self._arrival.slow:
            return
        logger.info(
            "= pixels come from %s at about %.2g MB/s, as through a tunnel from another host: "
            "compressed ones are asked for",
            self._endpoint,
            self._arrival.bytes_per_s / 1e6,
        )
        self._arrival = None
        self._protocol.set_encodings(REMOTE_ENCODINGS)
        if self._continuous_by_place:
            self._may_go_continuous = True

    def _request(self) -> None:
        """Have updates sent while somebody watches, and they are not held.

        They are to come by themselves where that may be, else are asked for one by one.
        A request goes first in any case: for the whole picture, or for what has changed while
        nobody watched.  After another size, updates are ordered for that.
        """
        if not self._watching or self._held or self._requested:
            return
        if self._continuous and self._incremental:
            return
        self._protocol.request_update(incremental=self._incremental)
        self._requested = self._incremental = True
        self._go_continuous()

    def _go_continuous(self) -> None:
        offered = self._protocol.offers_continuous_updates and not self._stopped_by_itself
        if offered and self._may_go_continuous:
            self._continuous = True
            # The server forgets a request of ours now, if it has not answered it.
            self._requested = False
            self._protocol.enable_continuous_updates(enable=True)

    def _hear_that_updates_ended(self) -> None:
        """The first time it is an offer, then mostly the answer to ``watch(False)``."""
        if self._ends_due:
            self._ends_due -= 1
        elif self._continuous:
            self._continuous, self._stopped_by_itself = False, True
            self._request()
        elif self._watching and not self._held:
            self._go_continuous()

    def _resize(self, width: int, height: int) -> None:
        if (width, height) != (self._mirror.width, self._mirror.height):
            self._mirror.resize(width, height)


def default_encodings(endpoint: Endpoint) -> tuple[int, ...]:
    """What to ask the server at *endpoint* for: raw pixels if it is on this host."""
    return LOCAL_ENCODINGS if is_local(endpoint) else REMOTE_ENCODINGS


def is_local(endpoint: Endpoint) -> bool:
    """Whether the server at *endpoint* is on this host."""
    if isinstance(endpoint, UnixEndpoint) or endpoint.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(endpoint.host).is_loopback
    except ValueError:
        return False


def _may_be_tunnel(endpoint: Endpoint) -> bool:
    """Whether the server may be on another host although :func:`is_local` says otherwise."""
    return is_local(endpoint) and not isinstance(endpoint, UnixEndpoint)


def _for_rfb(credentials: source.Credentials | None) -> Credentials | None:
    return Credentials(credentials.username, credentials.password) if credentials else None


def _translated(event: events.Event) -> source.DisplayEvent | None:
    """The event as a display source says it; None for what is RFB's own business."""
    match event:
        case events.CursorShape(cursor):
            return source.CursorChanged(cursor)
        case events.LedsChanged(leds):
            return source.LedsChanged(leds)
        case events.PointerModeChanged(absolute):
            return source.PointerModeChanged(absolute)
        case events.NameChanged(name):
            return source.NameChanged(name)
        case events.Bell():
            return source.Bell()
        case events.CutText(text):
            return source.CutText(text)
        case events.PowerControlOffered():
            return source.PowerOffered()
        case events.CredentialsRequired(username):
            return source.CredentialsRequired(username=username, retry=False)
        case _:
            return None
