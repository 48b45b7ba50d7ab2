"""One link to an RFB server, without any input or output.

The owner moves bytes and listens::

    buffer = protocol.get_buffer()          # fill some of it from the socket
    for event in protocol.buffer_updated(size):
        ...                                 # in the order in which the server spoke
    socket.send(protocol.data_to_send())

Events are made one by one while the caller iterates, so a few bytes that paint many pixels
(a hostile server's favourite) never pile up in memory; iterate to the end before the next call.
The pixels of an event belong to whoever takes it.
"""

import logging
from collections.abc import Iterator, Sequence

from webvdi.base.errors import RemoteProtocolError, StateError
from webvdi.framebuffer import MAX_AREA, MAX_SIDE, Rect
from webvdi.rfb import client_messages
from webvdi.rfb.client_messages import PowerOrder
from webvdi.rfb.decoders import new_decoders
from webvdi.rfb.encodings import LOCAL_ENCODINGS
from webvdi.rfb.events import Event, Screen
from webvdi.rfb.feed import Feed
from webvdi.rfb.handshake import handshake
from webvdi.rfb.incoming import SERVER_MESSAGES
from webvdi.rfb.link import Credentials, Encryption, Link, Phase
from webvdi.rfb.parsing import Parser, take_u8

logger = logging.getLogger(__name__)

_UNPRESSED_SCANCODE = 0x76
"""F24: a key that no keyboard has pressed, so that releasing it says nothing."""


class RfbProtocol:
    """The client's side of one RFB link, used once."""

    def __init__(
        self,
        encodings: Sequence[int] = LOCAL_ENCODINGS,
        credentials: Credentials | None = None,
        encryption: Encryption = Encryption(),  # noqa: B008 — it is frozen
    ) -> None:
        self._link = Link(tuple(encodings), credentials, new_decoders(), encryption=encryption)
        self._feed = Feed(_conversation(self._link))

    @property
    def phase(self) -> Phase:
        """How far the link has come."""
        return self._link.phase

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the server's framebuffer."""
        return self._link.width, self._link.height

    @property
    def takes_scancodes(self) -> bool:
        """Whether the server acknowledged the QEMU extended key event."""
        return self._link.extended_keys

    @property
    def absolute_pointer(self) -> bool:
        """Whether pointer events carry positions; False: motion."""
        return self._link.absolute_pointer

    @property
    def is_qemu(self) -> bool:
        """Whether the server is QEMU."""
        return self._link.is_qemu

    @property
    def updating(self) -> bool:
        """Whether an update has begun and its end has not been read yet."""
        return self._link.updating

    # --- bytes -------------------------------------------------------------------------------

    def get_buffer(self, _hint: int = -1) -> memoryview:
        """Memory for the server's next bytes; never empty, valid until :meth:`buffer_updated`.

        Raises :class:`RemoteProtocolError` if the server talks on while it should wait.
        """
        return self._feed.get_buffer()

    def buffer_updated(self, size: int) -> Iterator[Event]:
        """Take *size* bytes that were written into the buffer; what they say.

        Iterating raises :class:`RemoteProtocolError` where the server breaks the rules; the
        link is closed then.
        """
        self._feed.buffer_updated(size)
        return self.events()

    def receive_data(self, data: bytes) -> Iterator[Event]:
        """The same for bytes that are at hand already; nothing happens without iterating."""
        view = memoryview(data)
        while view and self.phase is not Phase.CLOSED:
            buffer = self.get_buffer()
            size = min(len(buffer), len(view))
            buffer[:size] = view[:size]
            view = view[size:]
            yield from self.buffer_updated(size)

    def events(self) -> Iterator[Event]:
        """What can be read from the bytes that are there; also goes on after credentials."""
        if self.phase is Phase.CLOSED:
            return
        try:
            yield from self._feed.events()
        except RemoteProtocolError:
            self.close()
            raise
        except MemoryError as error:
            self.close()
            raise RemoteProtocolError(
                "the display server sent a picture too large for this host's memory"
            ) from error

    def data_to_send(self) -> bytes:
        """Everything to be sent to the server, once."""
        data = bytes(self._link.outgoing)
        self._link.outgoing.clear()
        return data

    def end_of_stream(self) -> RemoteProtocolError:
        """The server closed its side: say what that means just now."""
        phase = self.phase
        self.close()
        if self._link.rejection is not None:
            # Some servers leave out the reason that version 3.8 demands.
            return self._link.rejection
        if phase is Phase.OPEN:
            return RemoteProtocolError("the display server closed the connection")
        return RemoteProtocolError(f"the VNC server closed the connection while {phase.value}")

    def close(self) -> None:
        """Forget the link; nothing more is read or said."""
        self._link.enter(Phase.CLOSED)

    # --- what a client can say ---------------------------------------------------------------

    def authenticate(self, credentials: Credentials) -> None:
        """Answer ``CredentialsRequired``; go on with :meth:`events`.

        Raises :class:`StateError` if nothing was asked.
        """
        self._require(Phase.CREDENTIALS, "the server asks for no credentials")
        self._link.credentials = credentials
        self._feed.wake()

    def start_tls(self) -> None:
        """Say that all bytes from now on have come through TLS.

        Raises :class:`RemoteProtocolError` if some are there already, which anybody on the way
        may have put behind the agreement on TLS, and :class:`StateError` if none was made.
        """
        self._require(Phase.TLS, "the server asks for no encryption")
        if self._feed.pending:
            self.close()
            raise RemoteProtocolError(
                "the VNC server talked on before its encryption was set up, as only an intruder "
                "would"
            )

    def tls_established(self) -> None:
        """Answer ``TlsRequired``: the server is the right one; go on with :meth:`events`.

        Bytes that come between :meth:`start_tls` and this call wait.
        """
        self._require(Phase.TLS, "the server asks for no encryption")
        self._link.encrypted = True
        self._feed.wake()

    def set_encodings(self, encodings: Sequence[int]) -> None:
        """Ask for other encodings from the next update on (RFC 6143 §7.5.2: at any time)."""
        self._say(client_messages.set_encodings(encodings))
        self._link.encodings = tuple(encodings)

    def request_update(self, *, incremental: bool) -> None:
        """Ask for the whole framebuffer: what changes (*incremental*), or all of it."""
        rect = Rect(0, 0, *self.size)
        self._say(client_messages.framebuffer_update_request(rect, incremental=incremental))

    def key(self, down: bool, keysym: int, scancode: int) -> None:
        """Press or release a key; the scancode where the server takes it, else the keysym.

        *scancode* as in :meth:`webvdi.display.source.DisplaySource.key`, which is QEMU's form.
        """
        if scancode and self.takes_scancodes:
            self._say(client_messages.qemu_key_event(keysym, scancode, down=down))
        elif keysym:
            self._say(client_messages.key_event(keysym, down=down))

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """Place the pointer, within the framebuffer."""
        width, height = self.size
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        self._say(client_messages.pointer_event(x, y, buttons))

    def motion(self, dx: int, dy: int, buttons: int) -> None:
        """Move the pointer; where the server wants positions, nothing is said."""
        if not self.absolute_pointer:
            self._say(client_messages.pointer_motion(dx, dy, buttons))

    def cut_text(self, text: str) -> None:
        """Set the server's clipboard; text beyond the bound is not sent."""
        if len(text) > client_messages.MAX_CUT_TEXT_BYTES:
            logger.info("> clipboard text of %d characters is too long, not sent", len(text))
            return
        self._say(client_messages.client_cut_text(text))

    def request_size(self, width: int, height: int) -> None:
        """Ask for another framebuffer size; nothing happens where the server cannot do that."""
        if not self._link.screens:
            return
        width, height = min(max(width, 1), MAX_SIDE), min(max(height, 1), MAX_SIDE)
        height = min(height, MAX_AREA // width)  # a larger one would end the link
        first = self._link.screens[0]
        # The id has to be the server's own: some servers refuse any other.
        screen = Screen(first.id, 0, 0, width, height, first.flags)
        self._say(client_messages.set_desktop_size(width, height, [screen]))

    @property
    def offers_continuous_updates(self) -> bool:
        """Whether the server can send updates without being asked."""
        return self._link.continuous_updates

    def enable_continuous_updates(self, enable: bool) -> None:
        """Have the server send what changes anywhere without being asked, or stop that.

        Nothing happens where the server cannot do that.  While it is on, the server passes over
        requests for what changes.
        """
        if self._link.continuous_updates:
            rect = Rect(0, 0, *self.size)
            self._say(client_messages.enable_continuous_updates(rect, enable=enable))

    @property
    def offers_power_control(self) -> bool:
        """Whether the server takes orders to shut down, reboot and reset."""
        return self._link.power_control

    def order_power(self, order: PowerOrder) -> None:
        """Give such an order; nothing happens where the server takes none."""
        if self._link.power_control:
            self._say(client_messages.xvp(order))

    def nudge(self) -> None:
        """Say something without effect to a server that takes scancodes.

        Any message numbered above 3 sets QEMU's refresh timer back to 30 ms.  The release of a
        key that is not pressed is dropped by QEMU before the guest sees it; a pointer event at
        the same place is not, and would wake a guest's screen saver.
        """
        if self.takes_scancodes:
            self._say(client_messages.qemu_key_event(0, _UNPRESSED_SCANCODE, down=False))

    def _say(self, message: bytes) -> None:
        self._require(Phase.OPEN, "the link cannot take this message")
        self._link.send(message)

    def _require(self, phase: Phase, message: str) -> None:
        if self.phase is not phase:
            raise StateError(message, state=self.phase.value, required=phase.value)


def _conversation(link: Link) -> Parser[None]:
    """Everything a server says (RFC 6143 §7.6), for ever."""
    yield from handshake(link)
    while True:
        number = yield from take_u8()
        parse = SERVER_MESSAGES.get(number)
        if parse is None:
            raise RemoteProtocolError(
                f"the display server sent a message of type {number}, which is not known here"
            )
        yield from parse(link)
