"""How parsers ask for bytes, and the few things that all of them ask for.

A parser is a generator.  What it yields is either a *need* or an event:

- an ``int`` n: it is resumed with exactly n bytes;
- a :class:`Span`: it is resumed when that many bytes are there, where they were received;
- :data:`PAUSE`: it is resumed when the owner of the link says so;
- an event: it is handed out, and the parser resumed.

So no parser ever sees how the stream was cut into pieces, and pixels can be used where they were
received.
"""

import struct
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from webvdi.rfb.events import Event

T = TypeVar("T")


class Pause:
    """The type of :data:`PAUSE`."""


PAUSE: Final = Pause()
"""A need that no byte of the server can fulfil."""


@dataclass(slots=True, eq=False)
class Span:
    """A need for *size* bytes of the stream; much of it costs no copy."""

    size: int
    memory: memoryview = field(default=memoryview(b""), init=False)
    """The bytes, once they are there, at an address that 4 divides.  They belong to the parser,
    which may write there; keeping a few may keep :data:`webvdi.rfb.feed.BLOCK_SIZE` around them."""


Bytes: TypeAlias = bytes | bytearray
Need: TypeAlias = int | Span | Pause
Parser: TypeAlias = Generator[Need | Event, Bytes, T]

SKIP_SIZE: Final = 4096
"""Bytes nobody wants are thrown away in pieces of this size."""

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_S32 = struct.Struct(">i")


def take_u8() -> Parser[int]:
    """One byte."""
    data = yield 1
    return data[0]


def take_u16() -> Parser[int]:
    """Two bytes, big endian as all numbers of the protocol."""
    (number,) = _U16.unpack((yield 2))
    return int(number)


def take_u32() -> Parser[int]:
    """Four bytes."""
    (number,) = _U32.unpack((yield 4))
    return int(number)


def take_s32() -> Parser[int]:
    """Four bytes, signed."""
    (number,) = _S32.unpack((yield 4))
    return int(number)


def skip(size: int) -> Parser[None]:
    """Throw *size* bytes away without ever holding many of them."""
    while size > 0:
        piece = min(size, SKIP_SIZE)
        yield piece
        size -= piece
