"""Messages from a viewer to its session."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TypeAlias

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.fields import Reader, text16

VERSION = 3
"""Of the viewer protocol; a viewer that says another is refused."""

MAX_MESSAGE_BYTES = 2 << 20
"""Bound on any message from a viewer; the clipboard is the largest."""

MAX_TEXT_BYTES = 4096
"""Bound on one *Text*: a person's typing or one composition."""

MAX_CLIPBOARD_BYTES = 1 << 20
"""Bound on *Clipboard*, as RFB servers commonly have it."""

MAX_NOTCHES = 20
"""Bound on a *Wheel* each way: one gesture, not a flood of button events."""


class Credential(IntEnum):
    """What an *Attach* shows to be let in."""

    TICKET = 0
    RESUME_KEY = 1


class Capability(IntFlag):
    """What a viewer can draw; bits of later versions pass."""

    JPEG = 1
    PNG = 2
    TILES = 4
    """It keeps tiles: the codecs *cached* and *keep*."""


class ControlAction(IntEnum):
    """What is to become of the control over the guest's keyboard and pointer."""

    REQUEST = 0
    RELEASE = 1
    TAKE = 2
    GRANT = 3
    DECLINE = 4


@dataclass(frozen=True, slots=True)
class Attach:
    """The first message: who wants in, and what its screen is like."""

    kind: Credential
    credential: str
    last_update: int = 0
    capabilities: int = Capability.JPEG | Capability.PNG | Capability.TILES
    width: int = 0
    height: int = 0
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Ack:
    """All updates up to this one are drawn; it took *cost_ms* from arrival."""

    update: int
    cost_ms: int = 0
    waiting: int = 0
    """Updates that have arrived after it and are not drawn yet."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """Whether anybody can see the viewer's page."""

    visible: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a *Pong* with the same token."""

    token: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a *Ping*."""

    token: int


@dataclass(frozen=True, slots=True)
class GiveCredentials:
    """A person's answer to the display's password question."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Control:
    """A wish about control; *viewer* is who is granted or declined it, else 0."""

    action: ControlAction
    viewer: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """A key goes down or up (X11 keysym, PC/AT set 1 scancode; 0 unknown)."""

    input: int
    down: bool
    keysym: int
    scancode: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """The pointer is here; buttons: bit 0 left, 1 middle, 2 right, 3 back, 4 forward."""

    input: int
    x: int
    y: int
    buttons: int


@dataclass(frozen=True, slots=True)
class Motion:
    """The pointer moved by so much."""

    input: int
    dx: int
    dy: int
    buttons: int


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned, in notches, right and down positive."""

    input: int
    x: int
    y: int
    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class ReleaseKeys:
    """Everything this viewer holds down goes up."""

    input: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text to be typed."""

    input: int
    text: str


@dataclass(frozen=True, slots=True)
class Clipboard:
    """The viewer's clipboard for the guest."""

    input: int
    text: str


@dataclass(frozen=True, slots=True)
class ScreenSize:
    """A wish for the guest's screen size."""

    input: int
    width: int
    height: int


Input: TypeAlias = Key | Pointer | Motion | Wheel | ReleaseKeys | Text | Clipboard | ScreenSize
FromViewer: TypeAlias = Attach | Ack | Visibility | Ping | Pong | GiveCredentials | Control | Input


def decode_from_viewer(data: bytes) -> FromViewer:
    """One message.  Raises :class:`~webvdi.base.errors.RemoteProtocolError`."""
    if not data:
        raise RemoteProtocolError("an empty message came from a viewer")
    entry = _DECODERS.get(data[0])
    if entry is None:
        raise RemoteProtocolError(f"a viewer sent a message of unknown type {data[0]:#04x}")
    what, decode = entry
    reader = Reader(data, what)
    reader.u8()
    message = decode(reader)
    reader.end()
    return message


def encode_from_viewer(message: FromViewer) -> bytes:  # noqa: C901 — one line a message
    """The bytes of *message*, as a viewer would send them (tests and native viewers)."""
    match message:
        case Attach():
            head = struct.pack(">BBB", 0x01, message.version, message.kind)
            tail = struct.pack(
                ">IIHH",
                message.last_update,
                message.capabilities,
                message.width,
                message.height,
            )
            return head + text16(message.credential) + tail
        case Ack(update, cost_ms, waiting):
            return struct.pack(">BIHH", 0x02, update, cost_ms, waiting)
        case Visibility(visible):
            return struct.pack(">BB", 0x03, visible)
        case Ping(token):
            return struct.pack(">BI", 0x04, token)
        case Pong(token):
            return struct.pack(">BI", 0x05, token)
        case GiveCredentials(username, password):
            return b"\x06" + text16(username) + text16(password)
        case Control(action, viewer):
            return struct.pack(">BBI", 0x07, action, viewer)
        case Key(number, down, keysym, scancode):
            return struct.pack(">BIBIH", 0x10, number, down, keysym, scancode)
        case Pointer(number, x, y, buttons):
            return struct.pack(">BIHHH", 0x11, number, x, y, buttons)
        case Motion(number, dx, dy, buttons):
            return struct.pack(">BIhhH", 0x12, number, dx, dy, buttons)
        case Wheel(number, x, y, dx, dy):
            return struct.pack(">BIHHhh", 0x13, number, x, y, dx, dy)
        case ReleaseKeys(number):
            return struct.pack(">BI", 0x14, number)
        case Text(number, text):
            return struct.pack(">BI", 0x15, number) + text.encode()
        case Clipboard(number, text):
            return struct.pack(">BI", 0x16, number) + text.encode()
        case ScreenSize(number, width, height):
            return struct.pack(">BIHH", 0x17, number, width, height)


def _attach(r: Reader) -> Attach:
    version = r.u8()
    if version != VERSION:
        raise RemoteProtocolError(
            f"the viewer speaks version {version} of the viewer protocol, this server version "
            f"{VERSION}; reload the page"
        )
    kind = r.u8()
    if kind not in tuple(Credential):
        raise RemoteProtocolError(f"Attach has the unknown credential kind {kind}")
    return Attach(Credential(kind), r.text16(), r.u32(), r.u32(), r.u16(), r.u16(), version=version)


def _control(r: Reader) -> Control:
    action = r.u8()
    if action not in tuple(ControlAction):
        raise RemoteProtocolError(f"Control has the unknown action {action}")
    return Control(ControlAction(action), r.u32())


def _wheel(r: Reader) -> Wheel:
    wheel = Wheel(r.u32(), r.u16(), r.u16(), r.i16(), r.i16())
    if max(abs(wheel.dx), abs(wheel.dy)) > MAX_NOTCHES:
        raise RemoteProtocolError(f"Wheel turns by more than {MAX_NOTCHES} notches")
    return wheel


_DECODERS: dict[int, tuple[str, Callable[[Reader], FromViewer]]] = {
    0x01: ("Attach", _attach),
    0x02: ("Ack", lambda r: Ack(r.u32(), r.u16(), r.u16())),
    0x03: ("Visibility", lambda r: Visibility(r.flag())),
    0x04: ("Ping", lambda r: Ping(r.u32())),
    0x05: ("Pong", lambda r: Pong(r.u32())),
    0x06: ("Credentials", lambda r: GiveCredentials(r.text16(), r.text16())),
    0x07: ("Control", _control),
    0x10: ("Key", lambda r: Key(r.u32(), r.flag(), r.u32(), r.u16())),
    0x11: ("Pointer", lambda r: Pointer(r.u32(), r.u16(), r.u16(), r.u16())),
    0x12: ("Motion", lambda r: Motion(r.u32(), r.i16(), r.i16(), r.u16())),
    0x13: ("Wheel", _wheel),
    0x14: ("ReleaseKeys", lambda r: ReleaseKeys(r.u32())),
    0x15: ("Text", lambda r: Text(r.u32(), r.text_rest(MAX_TEXT_BYTES))),
    0x16: ("Clipboard", lambda r: Clipboard(r.u32(), r.text_rest(MAX_CLIPBOARD_BYTES))),
    0x17: ("ScreenSize", lambda r: ScreenSize(r.u32(), r.u16(), r.u16())),
}
