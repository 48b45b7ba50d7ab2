"""A display source that is an RFB (VNC) server: the asyncio shell around the ``rfb`` core."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.display import source
from webvdi.display.endpoint import Endpoint, UnixEndpoint
from webvdi.framebuffer import Framebuffer
from webvdi.rfb import events
from webvdi.rfb.encodings import LOCAL_ENCODINGS, REMOTE_ENCODINGS
from webvdi.rfb.errors import AuthenticationFailed, NoCommonSecurity, NotRfbServer
from webvdi.rfb.link import Credentials, Phase
from webvdi.rfb.protocol import RfbProtocol

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
"""How long connecting may take, and then the handshake (a person's typing does not count)."""

MOTION_BACKLOG_BYTES: Final = 1 << 20
"""With so much unsent the peer lags so far behind that pointer motion is dropped."""

MAX_BACKLOG_BYTES: Final = 4 << 20
"""With so much unsent the peer has stopped reading, and the link ends."""

_PERMANENT: Final = (AuthenticationFailed, NoCommonSecurity, NotRfbServer)
"""What the next try would meet again."""


class RfbSource:
    """One link to one RFB server; each method as :class:`~webvdi.display.source.DisplaySource`."""

    def __init__(
        self,
        endpoint: Endpoint,
        mirror: Framebuffer,
        listener: source.DisplayListener,
        *,
        credentials: source.Credentials | None = None,
        encodings: Sequence[int] | None = None,
        connect_timeout_s: float = TIMEOUT_S,
    ) -> None:
        """*credentials* are used if the server asks; *encodings* replace the default ones."""
        if encodings is None:
            encodings = default_encodings(endpoint)
        self._protocol = RfbProtocol(encodings, _for_rfb(credentials))
        self._link = _Link(endpoint, self._protocol, connect_timeout_s, self._handle)
        self._mirror = mirror
        self._listener = listener
        self._settled = True
        self._watching = False
        self._requested = False
        """Whether a request for an update stands unanswered."""
        self._incremental = False
        """Whether the mirror holds an earlier picture, so that changes to it are enough."""
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

    def watch(self, watching: bool) -> None:
        """A request that stands is left to lapse; its update still reaches the mirror."""
        if self._open:
            self._watching = watching
            self._request()
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
                self._settled = False
                self._mirror.put(rect, pixels)
            case events.Copied(rect, source_x, source_y):
                self._settled = False
                self._mirror.copy(rect, source_x, source_y)
            case events.UpdateEnded():
                self._end_update()
            case events.Connected(width, height, name):
                self._resize(width, height)
                self._listener(source.Opened(width, height, name))
            case events.Resized(width, height):
                # Pixels have to follow before the mirror is a picture again.
                self._settled = False
                self._incremental = False
                self._resize(width, height)
                self._listener(source.Resized(width, height))
            case _:
                said = _translated(event)
                if said is not None:
                    self._listener(said)

    def _end_update(self) -> None:
        # Some servers count an update of nothing but pseudo-rectangles as their answer (neatvnc),
        # some do not (QEMU); asking again costs the latter nothing and keeps the former going.
        self._requested = False
        self._request()
        if not self._settled:
            self._settled = True
            self._listener(source.Updated())

    def _request(self) -> None:
        if self._watching and not self._requested:
            self._protocol.request_update(incremental=self._incremental)
            self._requested = self._incremental = True

    def _resize(self, width: int, height: int) -> None:
        if (width, height) != (self._mirror.width, self._mirror.height):
            self._mirror.resize(width, height)


class _Link(asyncio.BufferedProtocol):
    """The connection: bytes, deadlines, and how it ended."""

    def __init__(
        self,
        endpoint: Endpoint,
        protocol: RfbProtocol,
        timeout_s: float,
        handle: Callable[[events.Event], None],
    ) -> None:
        self._endpoint = endpoint
        self._protocol = protocol
        self._timeout_s = timeout_s
        self._handle = handle
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Future[source.Lost]
        """How the link ended, or the listener's exception; both exist from serve() on."""
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    async def serve(self) -> source.Lost:
        """Connect and wait for the end."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._connect()
        except TimeoutError:
            return source.Lost(f"{self._endpoint} does not answer", permanent=False)
        except (OSError, UnicodeError) as error:
            return source.Lost(_unreachable(self._endpoint, error), permanent=False)
        try:
            return await self._ended
        finally:
            self._close()

    async def _connect(self) -> None:
        if isinstance(self._endpoint, UnixEndpoint):
            await self._loop.create_unix_connection(lambda: self, str(self._endpoint.path))
        else:
            host, port = self._endpoint.host, self._endpoint.port
            await self._loop.create_connection(lambda: self, host, port)

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def flush(self) -> None:
        """Send what the protocol has to say; too great a backlog ends the link."""
        data = self._protocol.data_to_send()
        if self._transport is None or not data:
            return
        self._transport.write(data)
        if self.backlog > MAX_BACKLOG_BYTES:
            self._end(source.Lost("the display server has stopped reading", permanent=False))

    def go_on(self) -> None:
        """Parse again after credentials, but not inside of the caller's call."""
        self._arm()
        self._loop.call_soon(lambda: self._perform(self._protocol.events()))

    # --- called by the event loop ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the greeting."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not isinstance(self._endpoint, UnixEndpoint):
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A host that vanished is noticed even while nothing is said.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._arm()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The parser's memory; any will do once the link is over."""
        try:
            return self._protocol.get_buffer(sizehint)
        except RemoteProtocolError as error:
            self._fail(error)
            return memoryview(bytearray(1))

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes arrived."""
        self._perform(self._protocol.buffer_updated(nbytes))

    def eof_received(self) -> None:
        """The peer closed its side."""
        self._fail(self._protocol.end_of_stream())

    def connection_lost(self, exc: Exception | None) -> None:
        """The network broke (or we closed, which is known already)."""
        reason = f": {exc}" if exc else ""
        self._end(source.Lost(f"the connection to the display broke{reason}", permanent=False))

    # --- inside ------------------------------------------------------------------------------

    def _perform(self, said: Iterator[events.Event]) -> None:
        try:
            for event in said:
                self._watch_progress(event)
                self._handle(event)
                if self._ended.done():
                    return
        except RemoteProtocolError as error:
            self._fail(error)
        except Exception as error:
            if not self._ended.done():
                self._ended.set_exception(error)
            self._close()
        else:
            self.flush()

    def _watch_progress(self, event: events.Event) -> None:
        """The handshake has a deadline; people who type and an open link have none."""
        if isinstance(event, events.CredentialsRequired | events.Connected):
            self._disarm()

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self._loop.call_later(self._timeout_s, self._time_out)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_out(self) -> None:
        phase = self._protocol.phase
        hint = "; a VNC server would greet at once" if phase is Phase.VERSION else ""
        message = f"{self._endpoint} was silent for {self._timeout_s:g} s while {phase.value}{hint}"
        self._end(source.Lost(message, permanent=False))

    def _fail(self, error: RemoteProtocolError) -> None:
        self._end(
            source.Lost(
                str(error),
                permanent=isinstance(error, _PERMANENT),
                wrong_credentials=isinstance(error, AuthenticationFailed),
            )
        )

    def _end(self, lost: source.Lost) -> None:
        if not self._ended.done():
            logger.info("! %s: %s", self._endpoint, lost.message)
            self._ended.set_result(lost)
        self._close()

    def _close(self) -> None:
        self._disarm()
        self._protocol.close()
        if self._transport is not None:
            self._transport.abort()


def default_encodings(endpoint: Endpoint) -> tuple[int, ...]:
    """What to ask the server at *endpoint* for: raw pixels if it is on this host."""
    if isinstance(endpoint, UnixEndpoint) or endpoint.host == "localhost":
        return LOCAL_ENCODINGS
    try:
        loopback = ipaddress.ip_address(endpoint.host).is_loopback
    except ValueError:
        loopback = False
    return LOCAL_ENCODINGS if loopback else REMOTE_ENCODINGS


def _for_rfb(credentials: source.Credentials | None) -> Credentials | None:
    return Credentials(credentials.username, credentials.password) if credentials else None


def _unreachable(endpoint: Endpoint, error: OSError | UnicodeError) -> str:
    """Why connecting failed, for the user."""
    match error:
        case FileNotFoundError():
            return f"{endpoint} does not exist: the machine may not be running"
        case ConnectionRefusedError():
            return f"nothing listens at {endpoint}: the machine may not be running"
        case _:
            return f"{endpoint} cannot be reached: {error}"


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
        case events.CredentialsRequired(username):
            return source.CredentialsRequired(username=username, retry=False)
        case _:
            return None
