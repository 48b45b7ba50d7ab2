"""PNG pictures of a server that may be hostile (W3C PNG, third edition).

Pictures without interlace in 8 bits a sample, and palettes and greys of fewer: all that is sent
to a screen of 24 bits.  Transparency is passed over, for a screen has none.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Pixels
from webvdi.rfb.inflate import Inflater
from webvdi.rfb.parsing import Bytes

Samples = npt.NDArray[np.uint8]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS: Final = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_NARROW: Final = frozenset({_GREY, _PALETTE})
"""Colour types that may have fewer than 8 bits a sample."""

_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)

_BGRX: Final = {
    _GREY: [0, 0, 0, 0],
    _GREY_ALPHA: [0, 0, 0, 0],
    _RGB: [2, 1, 0, 0],
    _RGBA: [2, 1, 0, 3],
}
"""Which sample becomes B, G, R; X is left to chance."""


class _Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filtering: int
    interlace: int


def decode_png(data: Bytes, width: int, height: int) -> Pixels:
    """The picture in *data*, which has to be of *width* x *height* pixels.

    Raises :class:`RemoteProtocolError` for any other, and for what is no such picture.  Nothing
    is allocated before the size is known to be the right one.
    """
    chunks = _chunks(memoryview(data))
    kind, body = next(chunks, (b"", memoryview(b"")))
    if kind != b"IHDR" or len(body) != 13:
        raise _broken("it does not begin with a header")
    header = _Header._make(struct.unpack(">IIBBBBB", body))
    _check(header, width, height)
    palette = b""
    compressed: list[memoryview] = []
    for kind, body in chunks:
        if kind == b"PLTE":
            palette = bytes(body)
        elif kind == b"IDAT":
            compressed.append(body)
        elif kind == b"IEND":
            break
        elif not kind[0] & 0x20:  # a capital letter: it cannot be understood without this chunk
            raise _broken(f"it has a chunk of the unknown kind {kind!r}")
    samples = _samples(header, b"".join(compressed))
    if header.colour == _PALETTE:
        return _looked_up(samples[:, :, 0], palette)
    if header.depth < 8:
        samples = samples * np.uint8(255 // ((1 << header.depth) - 1))
    return np.ascontiguousarray(samples[:, :, _BGRX[header.colour]])


def _broken(why: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"the display server sent a PNG picture that cannot be read: {why}")


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and content of each chunk, checked."""
    if bytes(data[: len(_SIGNATURE)]) != _SIGNATURE:
        raise _broken("it is something else")
    position = len(_SIGNATURE)
    while position < len(data):
        if position + 12 > len(data):
            raise _broken("it is cut short")
        (size,) = struct.unpack_from(">I", data, position)
        end = position + 8 + size
        if end + 4 > len(data):
            raise _broken("it is cut short")
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(data[position + 4 : end]) != checksum:
            raise _broken("a checksum is wrong")
        yield bytes(data[position + 4 : position + 8]), data[position + 8 : end]
        position = end + 4


def _check(header: _Header, width: int, height: int) -> None:
    if (header.width, header.height) != (width, height):
        raise RemoteProtocolError(
            f"the display server sent a PNG picture of {header.width}x{header.height} pixels for "
            f"a rectangle of {width}x{height}"
        )
    if header.colour not in _CHANNELS:
        raise _broken(f"there is no colour type {header.colour}")
    if header.depth != 8 and not (header.depth in (1, 2, 4) and header.colour in _NARROW):
        raise _broken(f"{header.depth} bits a sample are not known here")
    if header.compression or header.filtering:
        raise _broken("its compression is not known here")
    if header.interlace:
        raise _broken("it is interlaced")


def _samples(header: _Header, compressed: bytes) -> Samples:
    """The samples (height, width, channels), one a byte."""
    channels = _CHANNELS[header.colour]
    row_bytes = (header.width * channels * header.depth + 7) // 8
    size = header.height * (1 + row_bytes)
    data = Inflater().inflate(compressed, size)
    if len(data) < size:
        raise _broken("it is cut short")
    rows = np.frombuffer(data, np.uint8).reshape(header.height, 1 + row_bytes)
    step = max(1, channels * header.depth // 8)
    samples = undo_filters(rows[:, 0], rows[:, 1:].reshape(header.height, -1, step))
    if header.depth == 8:
        return samples
    return _unpacked(samples[:, :, 0], header.depth)[:, : header.width, None]


def _unpacked(packed: Samples, depth: int) -> Samples:
    """Samples of *depth* bits, the first one in the highest bits."""
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    samples = packed[:, :, None] >> shifts & np.uint8((1 << depth) - 1)
    return samples.reshape(len(packed), -1)


def _looked_up(indices: Samples, palette: bytes) -> Pixels:
    if not palette or len(palette) % 3 or len(palette) > 3 * 256:
        raise _broken(f"its palette has {len(palette)} bytes")
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)[:, [2, 1, 0, 0]]
    if indices.size and int(indices.max()) >= len(colours):
        raise _broken(f"it uses a colour beyond the {len(colours)} of its palette")
    return colours[indices]


def undo_filters(filters: Samples, filtered: Samples) -> Samples:
    """The rows whose filtered ones (rows, pixels, bytes of a pixel) are given (§9.2).

    Rows without *Average* and *Paeth* are undone one at a time.  In those two a pixel needs its
    left neighbour and the row above, so there all pixels of one falling diagonal are computed
    together, as in ``decoders/gradient.py``.
    """
    if filters.size and int(filters.max()) > _PAETH:
        raise _broken(f"there is no filter {int(filters.max())}")
    if not (filters >= _AVERAGE).any():
        return _by_rows(filters, filtered)
    return _by_diagonals(filters, filtered)


def _by_rows(filters: Samples, filtered: Samples) -> Samples:
    samples = filtered.copy()
    for row, kind in enumerate(filters.tolist()):
        if kind == _SUB:
            np.add.accumulate(filtered[row], axis=0, dtype=np.uint8, out=samples[row])
        elif kind == _UP and row:
            samples[row] += samples[row - 1]
    return samples


def _by_diagonals(filters: Samples, filtered: Samples) -> Samples:
    height, width, depth = filtered.shape
    # A row and a column of zeros stand for the pixels outside.
    stride = width + 1
    padded = np.zeros((height + 1, stride, depth), np.int16)
    padded[1:, 1:] = filtered
    flat = padded.reshape(-1, depth)
    kinds = filters[:, None]
    for diagonal in range(2, width + height + 1):
        first, last = max(1, diagonal - width), min(height, diagonal - 1)
        # Pixel (row, diagonal - row) is number row * stride + diagonal - row.
        start, count = first * width + diagonal, last - first + 1
        left, above, corner = (
            flat[start - back :: width][:count] for back in (1, stride, stride + 1)
        )
        kind = kinds[first - 1 : last]
        here = flat[start::width][:count]
        here += np.choose(
            kind, (np.int16(0), left, above, (left + above) >> 1, _paeth(left, above, corner))
        )
        here &= 255
    return padded[1:, 1:].astype(np.uint8)


def _paeth(
    left: npt.NDArray[np.int16], above: npt.NDArray[np.int16], corner: npt.NDArray[np.int16]
) -> npt.NDArray[np.int16]:
    """Whichever neighbour is nearest to left + above - corner; ties go in that order (§9.4)."""
    to_left = np.abs(above - corner)
    to_above = np.abs(left - corner)
    to_corner = np.abs(left + above - 2 * corner)
    use_left = (to_left <= to_above) & (to_left <= to_corner)
    return np.where(use_left, left, np.where(to_above <= to_corner, above, corner))
