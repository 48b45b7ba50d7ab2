"""What is known about one link, shared by the parsers of its messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from webvdi.base.errors import LocalProtocolError, RemoteProtocolError
from webvdi.framebuffer import Rect, check_size
from webvdi.rfb.events import Screen
from webvdi.rfb.parsing import Parser

MAX_NAME_BYTES: Final = 65536
"""Bound on a desktop's name."""

MAX_REASON_BYTES: Final = 4096
"""Bound on the part of a server's reason that we keep and show."""


class Phase(Enum):
    """How far a link has come."""

    VERSION = "waiting for the server's greeting"
    SECURITY = "agreeing on a security type"
    TLS = "setting up encryption"
    CREDENTIALS = "waiting for credentials"
    RESULT = "waiting for the answer to the credentials"
    INIT = "waiting for the desktop's description"
    OPEN = "open"
    CLOSED = "closed"


# RFC 6143 §7.1-7.3.  Every phase may also go to CLOSED.
_NEXT: Final[Mapping[Phase, frozenset[Phase]]] = {
    Phase.VERSION: frozenset({Phase.SECURITY}),
    Phase.SECURITY: frozenset({Phase.TLS, Phase.CREDENTIALS, Phase.RESULT}),
    Phase.TLS: frozenset({Phase.SECURITY}),
    Phase.CREDENTIALS: frozenset({Phase.SECURITY}),
    Phase.RESULT: frozenset({Phase.INIT}),
    Phase.INIT: frozenset({Phase.OPEN}),
    Phase.OPEN: frozenset(),
    Phase.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to log in with; VNC authentication knows no user name."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Encryption:
    """Which links are good enough for us."""

    required: bool = False
    """Nothing but encrypted ones; else encryption is used where a server insists on it."""
    anonymous: bool = False
    """Also encryption with a server that shows no certificate."""


class Decoder(Protocol):
    """Reads rectangles of one encoding; one object a link, so it may keep a zlib stream."""

    def decode(self, rect: Rect, link: "Link", /) -> Parser[None]:
        """Read one rectangle, which lies inside the framebuffer, and yield what it holds."""


@dataclass(slots=True)
class Link:
    """The state of one link."""

    encodings: tuple[int, ...]
    """What we ask the server for, best first."""
    credentials: Credentials | None
    """What to log in with, as far as known."""
    decoders: Mapping[int, Decoder]
    """Who reads rectangles, by encoding."""
    outgoing: bytearray = field(default_factory=bytearray)
    """Bytes for the server that nobody has fetched yet."""
    encryption: Encryption = Encryption()
    phase: Phase = Phase.VERSION
    version: tuple[int, int] = (3, 8)
    """The protocol version that both sides speak."""
    width: int = 0
    height: int = 0
    name: str = ""
    screens: tuple[Screen, ...] = ()
    """The server's monitors; empty while it has not said that its size can be changed."""
    extended_keys: bool = False
    """Whether the server takes scancodes."""
    absolute_pointer: bool = True
    encrypted: bool = False
    """Whether the link goes through TLS by now."""
    updating: bool = False
    """Whether an update has begun and not ended."""
    continuous_updates: bool = False
    """Whether the server can send updates without being asked."""
    power_control: bool = False
    """Whether the server takes orders to shut down, reboot and reset."""
    used_credentials: bool = False
    """Whether the server asked for them."""
    rejection: RemoteProtocolError | None = None
    """Set once the server has said no; its reason may still follow."""

    @property
    def is_qemu(self) -> bool:
        """Whether the server is QEMU, which names every desktop after itself."""
        return self.name.startswith("QEMU")

    def send(self, data: bytes) -> None:
        """Queue *data* for the server."""
        self.outgoing += data

    def enter(self, phase: Phase) -> None:
        """Go to *phase*; raise :class:`LocalProtocolError` where that makes no sense."""
        if phase is not Phase.CLOSED and phase not in _NEXT[self.phase]:
            raise LocalProtocolError(f"a link that is {self.phase.value} cannot be {phase.value}")
        self.phase = phase

    def resize(self, width: int, height: int) -> None:
        """Take a framebuffer size from the server, within bounds."""
        try:
            check_size(width, height)
        except ValueError as error:
            raise RemoteProtocolError(f"the display server has {error}") from error
        self.width, self.height = width, height


def decoded_text(data: bytes | bytearray) -> str:
    """Text of a server: UTF-8 as rfbproto has it, Latin-1 as RFC 6143 had it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
