"""As much of the X11 protocol as painting on a key press takes (X.Org, "X Window System Protocol").

A toolkit or a terminal would add milliseconds of its own, and different ones on each host.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


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
            event = self._receive(32)
            if event[0] == 0:
                raise X11Error(f"error {event[1]} of request {event[10]}")
            yield event[0] & 0x7F, event

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
    root, _, white, black = struct.unpack_from("<IIII", setup, screen)
    return Screen(root, white, black, base)


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


def _request(opcode: int, detail: int, body: bytes) -> bytes:
    padded = body + bytes(_padded(len(body)) - len(body))
    return struct.pack("<BBH", opcode, detail, 1 + len(padded) // 4) + padded


def _padded(count: int) -> int:
    return -(-count // 4) * 4
