"""Messages from a session to a viewer."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TypeAlias

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.fields import Reader, text16
from webvdi.wire.from_viewer import MAX_CLIPBOARD_BYTES, VERSION, Ping, Pong


class Role(IntEnum):
    """What a viewer may do."""

    OBSERVER = 1
    CONTROLLER = 2
    OWNER = 3


class Codec(IntEnum):
    """How a piece's bytes make pixels."""

    COPY = 0
    FILL = 1
    INDEXED = 2
    PNG = 3
    JPEG = 4
    VIDEO = 5
    """Reserved: no viewer has a decoder for it yet."""
    SHEET = 6
    CACHED = 7
    KEEP = 8


class Loss(IntFlag):
    """What of an update is only nearly right."""

    NONE = 0
    SOME = 1
    """Something is: what is JPEG."""
    SKETCH = 2
    """All pixels that it brings are, whatever their codec."""


class MachineState(IntEnum):
    """How the machine behind the picture is."""

    CONNECTING = 0
    LIVE = 1
    LOST = 2
    OFF = 3
    PAUSED = 4
    CREDENTIALS = 5
    FAILED = 6


class PersonFlag(IntFlag):
    """What a *People* entry says of a viewer beside its role."""

    CONTROLS = 1
    """Its person holds control."""
    ASKS = 2
    """Its person asks for control."""
    YOU = 4
    """It is the viewer that is told."""
    SAME_PERSON = 8
    """It is another viewer of the person that is told."""


class Reason(IntEnum):
    """Why a connection ends."""

    TICKET_INVALID = 1
    RESUME_UNKNOWN = 2
    PROTOCOL_ERROR = 3
    SESSION_ENDED = 4
    TOO_MANY_VIEWERS = 5
    SUPERSEDED = 6
    REVOKED = 7
    RESTARTING = 8


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answers *Attach*."""

    viewer: int
    role: Role
    resumed: bool
    last_input: int
    resume_key: str
    name: str
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Desktop:
    """The screen's size, in pixels; its content is unknown until updates come."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Some pixels of an update."""

    codec: Codec
    x: int
    y: int
    width: int
    height: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """Pieces to be drawn in order and shown together."""

    update: int
    lossy: int
    """A :class:`Loss`; flags of later versions pass."""
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class PackedUpdate:
    """An :class:`Update` whose pieces :func:`pack_pieces` has made bytes once for many viewers."""

    update: int
    lossy: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class CursorShape:
    """The guest's pointer: width * height pixels R, G, B, A."""

    hot_x: int
    hot_y: int
    width: int
    height: int
    rgba: bytes


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine's state, with words for the user."""

    state: MachineState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Leds:
    """Keyboard lights: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock."""

    leds: int


@dataclass(frozen=True, slots=True)
class RingBell:
    """The guest rings."""


@dataclass(frozen=True, slots=True)
class GuestClipboard:
    """The guest's clipboard."""

    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """The desktop's name."""

    name: str


@dataclass(frozen=True, slots=True)
class PointerMode:
    """Whether to send *Pointer* (absolute) or *Motion*."""

    absolute: bool


@dataclass(frozen=True, slots=True)
class InputAck:
    """All inputs up to this one are handled."""

    input: int


@dataclass(frozen=True, slots=True)
class Farewell:
    """The last message of a connection."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Person:
    """One connected viewer, as the others are told of it."""

    viewer: int
    role: Role
    flags: int
    """:class:`PersonFlag`; those of later versions pass."""
    colour: int
    """0 to 7, the same for all viewers of a person."""
    name: str
    """Chosen by the person; empty: say the role."""


@dataclass(frozen=True, slots=True)
class People:
    """Everyone who is connected, in the order they came; replaces what was told before."""

    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class RemotePointer:
    """Where another viewer points, in screen pixels."""

    viewer: int
    shown: bool
    x: int
    y: int


ToViewer: TypeAlias = (
    Welcome
    | Desktop
    | Update
    | CursorShape
    | Machine
    | Leds
    | RingBell
    | GuestClipboard
    | Name
    | PointerMode
    | InputAck
    | Ping
    | Pong
    | Farewell
    | People
    | RemotePointer
)

COLOURS = 8
"""Colours of people."""

MAX_PICTURE_AREA = 1 << 26
"""Pixels of a picture file."""

MAX_PIECES = 0xFFFF
"""Of an update."""

_PIECE_HEAD = struct.Struct(">BHHHHI")


def encode_to_viewer(message: ToViewer | PackedUpdate) -> bytes:  # noqa: C901 — one line a message
    """The bytes of *message*."""
    match message:
        case PackedUpdate(number, lossy, packed):
            return struct.pack(">BIB", 0x83, number, lossy) + packed
        case Update(number, lossy, pieces):
            return struct.pack(">BIB", 0x83, number, lossy) + pack_pieces(pieces)
        case Welcome():
            head = struct.pack(
                ">BBIBBI",
                0x81,
                message.version,
                message.viewer,
                message.role,
                message.resumed,
                message.last_input,
            )
            return head + text16(message.resume_key) + text16(message.name)
        case Desktop(width, height):
            return struct.pack(">BHH", 0x82, width, height)
        case CursorShape(hot_x, hot_y, width, height, rgba):
            return struct.pack(">BHHHH", 0x84, hot_x, hot_y, width, height) + rgba
        case Machine(state, detail):
            return struct.pack(">BB", 0x85, state) + text16(detail)
        case Leds(leds):
            return struct.pack(">BB", 0x86, leds)
        case RingBell():
            return b"\x87"
        case GuestClipboard(text):
            return b"\x88" + text.encode()
        case Name(name):
            return b"\x89" + name.encode()
        case PointerMode(absolute):
            return struct.pack(">BB", 0x8A, absolute)
        case InputAck(number):
            return struct.pack(">BI", 0x8B, number)
        case Pong(token):
            return struct.pack(">BI", 0x8C, token)
        case Ping(token):
            return struct.pack(">BI", 0x8D, token)
        case Farewell(reason, text):
            return struct.pack(">BB", 0x8E, reason) + text16(text)
        case People(people):
            return struct.pack(">BH", 0x8F, len(people)) + b"".join(map(_encode_person, people))
        case RemotePointer(viewer, shown, x, y):
            return struct.pack(">BIBHH", 0x90, viewer, shown, x, y)


def _encode_person(person: Person) -> bytes:
    head = struct.pack(">IBBB", person.viewer, person.role, person.flags, person.colour)
    return head + text16(person.name)


def pack_pieces(pieces: Sequence[Piece]) -> bytes:
    """What follows an update's number and flags: the same for every viewer that gets the same.

    Raises ValueError for what no viewer takes: too many pieces, or too large a picture.  (What a
    sheet's picture has is bounded where it is made.)
    """
    if len(pieces) > MAX_PIECES:
        raise ValueError(f"an update of {len(pieces)} pieces; {MAX_PIECES} are the most")
    parts = [struct.pack(">H", len(pieces))]
    for p in pieces:
        if p.codec in (Codec.PNG, Codec.JPEG) and p.width * p.height > MAX_PICTURE_AREA:
            raise ValueError(
                f"a picture of {p.width}x{p.height} pixels; {MAX_PICTURE_AREA} are the most: "
                "send it in several pieces"
            )
        parts.append(_PIECE_HEAD.pack(p.codec, p.x, p.y, p.width, p.height, len(p.payload)))
        parts.append(p.payload)
    return b"".join(parts)


def decode_to_viewer(data: bytes) -> ToViewer:
    """One message, as a viewer reads it.  Raises RemoteProtocolError."""
    if not data:
        raise RemoteProtocolError("an empty message came from the session")
    entry = _DECODERS.get(data[0])
    if entry is None:
        raise RemoteProtocolError(f"the session sent a message of unknown type {data[0]:#04x}")
    what, decode = entry
    reader = Reader(data, what)
    reader.u8()
    try:
        message = decode(reader)
    except ValueError as error:
        raise RemoteProtocolError(f"{what}: {error}") from error
    reader.end()
    return message


def _welcome(r: Reader) -> Welcome:
    version = r.u8()
    return Welcome(
        r.u32(), Role(r.u8()), r.flag(), r.u32(), r.text16(), r.text16(), version=version
    )


def _update(r: Reader) -> Update:
    number, flags, count = r.u32(), r.u8(), r.u16()
    pieces = tuple(
        Piece(Codec(r.u8()), r.u16(), r.u16(), r.u16(), r.u16(), r.take(r.u32()))
        for _ in range(count)
    )
    return Update(number, flags & (Loss.SOME | Loss.SKETCH), pieces)


def _cursor(r: Reader) -> CursorShape:
    hot_x, hot_y, width, height = r.u16(), r.u16(), r.u16(), r.u16()
    return CursorShape(hot_x, hot_y, width, height, r.take(width * height * 4))


def _people(r: Reader) -> People:
    return People(tuple(_person(r) for _ in range(r.u16())))


def _person(r: Reader) -> Person:
    person = Person(r.u32(), Role(r.u8()), r.u8(), r.u8(), r.text16())
    if person.colour >= COLOURS:
        raise RemoteProtocolError(f"People has the colour {person.colour}; there are {COLOURS}")
    return person


_DECODERS: dict[int, tuple[str, Callable[[Reader], ToViewer]]] = {
    0x81: ("Welcome", _welcome),
    0x82: ("Desktop", lambda r: Desktop(r.u16(), r.u16())),
    0x83: ("Update", _update),
    0x84: ("Cursor", _cursor),
    0x85: ("Machine", lambda r: Machine(MachineState(r.u8()), r.text16())),
    0x86: ("Leds", lambda r: Leds(r.u8())),
    0x87: ("Bell", lambda _: RingBell()),
    0x88: ("GuestClipboard", lambda r: GuestClipboard(r.text_rest(MAX_CLIPBOARD_BYTES))),
    0x89: ("Name", lambda r: Name(r.text_rest(65535))),
    0x8A: ("PointerMode", lambda r: PointerMode(r.flag())),
    0x8B: ("InputAck", lambda r: InputAck(r.u32())),
    0x8C: ("Pong", lambda r: Pong(r.u32())),
    0x8D: ("Ping", lambda r: Ping(r.u32())),
    0x8E: ("Farewell", lambda r: Farewell(Reason(r.u8()), r.text16())),
    0x8F: ("People", _people),
    0x90: ("RemotePointer", lambda r: RemotePointer(r.u32(), r.flag(), r.u16(), r.u16())),
}
