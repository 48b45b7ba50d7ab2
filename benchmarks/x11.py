"""As much of the X11 protocol as painting takes (X.Org, "X Window System Protocol").

A toolkit or a terminal would add milliseconds of its own, and different ones on each host.
"""

import select
import socket
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

Area: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height."""


class EventCode(IntEnum):
    """Events that are looked at (X11 appendix B)."""

    KEY_PRESS = 2
    EXPOSE = 12


class EventMask(IntEnum):
    """Which events a window wants."""

    KEY_PRESS = 1 << 0
    EXPOSURE = 1 << 15


@dataclass(frozen=True, slots=True)
class Screen:
    """What the set-up says of the first screen."""

    root: int
    white: int
    black: int
    resource_base: int
    width: int
    height: int


class X11Error(Exception):
    """The server refused a request or closed the connection."""


class XConnection:
    """A connection to a local X server that asks for no authorisation."""

    def __init__(self, display: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"/tmp/.X11-unix/X{display}")
        # Little-endian, protocol 11.0, no authorisation name, no authorisation data.
        self._socket.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        accepted, _, _, words = struct.unpack("<BxHHH", self._receive(8))
        setup = self._receive(4 * words)
        if accepted != 1:
            raise X11Error("the X server refuses connections")
        self.screen = parse_setup(setup)
        self._resources = 0
        self._heard: deque[bytes] = deque()
        """Events that came while a reply was waited for."""

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def close(self) -> None:
        """End it; the server forgets all that was made."""
        self._socket.close()

    def new_id(self) -> int:
        """An identifier for a window, font or graphics context."""
        self._resources += 1
        return self.screen.resource_base + self._resources

    def send(self, *requests: bytes) -> None:
        """Send requests together."""
        self._socket.sendall(b"".join(requests))

    def events(self) -> Iterator[tuple[int, bytes]]:
        """Codes and bytes of events as they come.  Raises :class:`X11Error` at the end."""
        while True:
            event = self._heard.popleft() if self._heard else self._message()
            yield event[0] & 0x7F, event

    def events_here(self) -> Iterator[tuple[int, bytes]]:
        """Those that have come, without waiting for more."""
        while self._heard or select.select([self], [], [], 0)[0]:
            event = self._heard.popleft() if self._heard else self._message()
            yield event[0] & 0x7F, event

    def reply(self) -> bytes:
        """Wait for an answer; events are kept for later.  Raises :class:`X11Error`."""
        while (message := self._message())[0] != 1:
            self._heard.append(message)
        (words,) = struct.unpack_from("<I", message, 4)
        return message + self._receive(4 * words)

    def settle(self) -> None:
        """Wait until the server has done all that it was sent."""
        self.send(get_input_focus())
        self.reply()

    def _message(self) -> bytes:
        message = self._receive(32)
        if message[0] == 0:
            raise X11Error(f"error {message[1]} of request {message[10]}")
        return message

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise X11Error("the X server is gone")
            data += part
        return bytes(data)


def parse_setup(setup: bytes) -> Screen:
    """The first screen of a set-up answer, without the answer's first eight bytes."""
    base, _, _, vendor_bytes, _, _, formats = struct.unpack_from("<4xIIIHHBB", setup)
    screen = 32 + _padded(vendor_bytes) + 8 * formats
    root, _, white, black, _, width, height = struct.unpack_from("<IIIIIHH", setup, screen)
    return Screen(root, white, black, base, width, height)


def create_window(
    window: int, parent: int, area: tuple[int, int, int, int], background: int, events: int
) -> bytes:
    """CreateWindow at *area* (x, y, width, height), out of any window manager's reach."""
    x, y, width, height = area
    # Values in the order of their bits: background pixel, override-redirect, event mask.
    return _request(
        1,
        0,
        struct.pack("<IIhhHHHHI", window, parent, x, y, width, height, 0, 1, 0)
        + struct.pack("<IIII", 0x2 | 0x200 | 0x800, background, 1, events),
    )


def map_window(window: int) -> bytes:
    """MapWindow."""
    return _request(8, 0, struct.pack("<I", window))


def set_input_focus(window: int) -> bytes:
    """SetInputFocus, for ever."""
    return _request(42, 0, struct.pack("<II", window, 0))


def open_font(font: int, name: str) -> bytes:
    """OpenFont."""
    return _request(45, 0, struct.pack("<IHxx", font, len(name)) + name.encode())


def create_context(context: int, window: int, foreground: int, background: int, font: int) -> bytes:
    """CreateGC with colours and a font."""
    values = struct.pack("<IIII", 0x4 | 0x8 | 0x4000, foreground, background, font)
    return _request(55, 0, struct.pack("<II", context, window) + values)


def set_foreground(context: int, colour: int) -> bytes:
    """ChangeGC: another foreground."""
    return _request(56, 0, struct.pack("<III", context, 0x4, colour))


def fill(window: int, context: int, area: tuple[int, int, int, int]) -> bytes:
    """PolyFillRectangle with one rectangle (x, y, width, height)."""
    return _request(70, 0, struct.pack("<IIhhHH", window, context, *area))


def image_text(window: int, context: int, x: int, y: int, text: str) -> bytes:
    """ImageText8: characters with their background, *y* is the baseline."""
    body = struct.pack("<IIhh", window, context, x, y) + text.encode("latin-1")
    return _request(76, len(text), body)


def fills(drawable: int, context: int, areas: Sequence[Area]) -> bytes:
    """PolyFillRectangle with any number of rectangles."""
    packed = b"".join(struct.pack("<hhHH", *area) for area in areas)
    return _request(70, 0, struct.pack("<II", drawable, context) + packed)


def create_pixmap(pixmap: int, root: int, size: tuple[int, int], depth: int = 24) -> bytes:
    """CreatePixmap: a picture that is on no screen."""
    return _request(53, depth, struct.pack("<IIHH", pixmap, root, *size))


def free_pixmap(pixmap: int) -> bytes:
    """FreePixmap."""
    return _request(54, 0, struct.pack("<I", pixmap))


def copy_area(source: int, target: int, context: int, area: Area, to: tuple[int, int]) -> bytes:
    """CopyArea: *area* of *source* to a place in *target*."""
    x, y, width, height = area
    places = struct.pack("<hhhhHH", x, y, *to, width, height)
    return _request(62, 0, struct.pack("<III", source, target, context) + places)


def put_image(
    drawable: int, context: int, area: Area, pixels: bytes, depth: int = 24
) -> Iterator[bytes]:
    """PutImage, in parts: a request has at most 65,535 words.  4 bytes a pixel: B, G, R, any."""
    x, y, width, height = area
    rows = (0xFFFF * 4 - 24) // (4 * width)
    for top in range(0, height, rows):
        count = min(rows, height - top)
        place = struct.pack("<IIHHhhBBxx", drawable, context, width, count, x, y + top, 0, depth)
        yield _request(72, 2, place + pixels[4 * width * top : 4 * width * (top + count)])


def get_image(drawable: int, area: Area) -> bytes:
    """GetImage, all planes, as :func:`put_image` has them; answered."""
    return _request(73, 2, struct.pack("<IhhHHI", drawable, *area, 0xFFFFFFFF))


def get_input_focus() -> bytes:
    """GetInputFocus: the least that is answered."""
    return _request(43, 0, b"")


def create_cursor(cursor: int, shape: int) -> bytes:
    """CreateCursor of a pixmap of one bit, its own mask: where that is 0, nothing is seen."""
    return _request(93, 0, struct.pack("<III6H2H", cursor, shape, shape, *[0] * 6, 0, 0))


def set_cursor(window: int, cursor: int) -> bytes:
    """ChangeWindowAttributes: the cursor."""
    return _request(2, 0, struct.pack("<III", window, 0x4000, cursor))


def create_plain_context(context: int, drawable: int, foreground: int = 0) -> bytes:
    """CreateGC without a font, and without an event for every copy (graphics exposures)."""
    return _request(
        55,
        0,
        struct.pack("<III", context, drawable, 0x4 | 0x10000) + struct.pack("<II", foreground, 0),
    )


def _request(opcode: int, detail: int, body: bytes) -> bytes:
    padded = body + bytes(_padded(len(body)) - len(body))
    return struct.pack("<BBH", opcode, detail, 1 + len(padded) // 4) + padded


def _padded(count: int) -> int:
    return -(-count // 4) * 4
