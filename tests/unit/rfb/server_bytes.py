"""What a server says, as bytes; and how a test listens to our side of the link."""

import struct
from collections.abc import Iterable

import numpy as np

from webvdi.framebuffer import Framebuffer, Pixels, Rect
from webvdi.rfb.encodings import LOCAL_ENCODINGS
from webvdi.rfb.events import Copied, Event, Painted, Resized
from webvdi.rfb.link import Credentials
from webvdi.rfb.protocol import RfbProtocol

GREETING = b"RFB 003.008\n"
NO_SECURITY = b"\1\1"
"""Security types: only None."""
VNC_SECURITY = b"\1\2"
RESULT_OK = bytes(4)
OPEN_BYTES = 12


def u16(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


def u32(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def s32(number: int) -> bytes:
    return struct.pack(">i", number)


def text(words: str) -> bytes:
    """A string with its length."""
    data = words.encode()
    return u32(len(data)) + data


def server_init(width: int, height: int, name: str = "a desktop") -> bytes:
    return u16(width, height) + bytes(16) + text(name)


def opening(width: int = 64, height: int = 48, name: str = "a desktop") -> bytes:
    """Everything a server without security says until updates can be asked for."""
    return GREETING + NO_SECURITY + RESULT_OK + server_init(width, height, name)


def rectangle(x: int, y: int, width: int, height: int, encoding: int, body: bytes = b"") -> bytes:
    return u16(x, y, width, height) + s32(encoding) + body


def update(*rectangles: bytes) -> bytes:
    return b"\0\0" + u16(len(rectangles)) + b"".join(rectangles)


def opened(
    width: int = 64,
    height: int = 48,
    name: str = "a desktop",
    *,
    credentials: Credentials | None = None,
) -> RfbProtocol:
    """A protocol whose handshake is done and whose outgoing bytes were taken."""
    protocol = RfbProtocol(LOCAL_ENCODINGS, credentials)
    for _ in protocol.receive_data(opening(width, height, name)):
        pass
    protocol.data_to_send()
    return protocol


def heard(protocol: RfbProtocol, data: bytes) -> list[Event]:
    """The events of *data* received at once."""
    return list(protocol.receive_data(data))


def heard_bytewise(protocol: RfbProtocol, data: bytes) -> list[Event]:
    """The events of *data* received byte by byte."""
    return [event for byte in data for event in protocol.receive_data(bytes([byte]))]


def painted(events: Iterable[Event], width: int, height: int) -> Pixels:
    """The picture (B, G, R, 0) that *events* draw on a black screen."""
    mirror = Framebuffer(width, height)
    for event in events:
        match event:
            case Painted(rect, pixels):
                assert pixels.shape == (rect.height, rect.width, 4)
                mirror.put(rect, pixels)
            case Copied(rect, x, y):
                mirror.copy(rect, x, y)
            case Resized(new_width, new_height):
                mirror.resize(new_width, new_height)
            case _:
                pass
    return picture_of(mirror)


def picture_of(mirror: Framebuffer) -> Pixels:
    """The mirror with its X bytes 0."""
    return mirror.pixels & np.array([255, 255, 255, 0], np.uint8)


def comparable(events: Iterable[Event]) -> list[object]:
    """Events as values that can be compared, arrays included."""
    return [
        (event.rect, event.pixels[:, :, :3].tobytes()) if isinstance(event, Painted) else event
        for event in events
    ]


def whole(pixels: Pixels) -> Rect:
    """The rectangle of a picture at the origin."""
    return Rect(0, 0, pixels.shape[1], pixels.shape[0])
