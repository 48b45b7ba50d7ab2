"""Small, slow, obvious encoders: what a server would send for a picture.

A picture is an array (height, width, 4) of B, G, R, 0.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import Pixels

Picture = Pixels
Choose = Callable[[int], int]
"""A number below the given one: how an encoder picks among its possibilities."""


def picture(height: int, width: int, *, colours: int = 256, seed: int = 0) -> Picture:
    """A picture of random runs in at most so many colours."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 4), np.uint8)
    palette[:, 3] = 0
    runs = rng.integers(0, colours, height * width)
    lengths = rng.geometric(0.2, height * width)
    indices = np.repeat(runs, lengths)[: height * width]
    return palette[indices].reshape(height, width, 4)


def tiles(pixels: Picture, side: int) -> Iterator[Picture]:
    """The tiles of a picture, row by row."""
    for y in range(0, pixels.shape[0], side):
        for x in range(0, pixels.shape[1], side):
            yield pixels[y : y + side, x : x + side]


def colours_of(pixels: Picture) -> list[bytes]:
    """The different pixels, in order of first use."""
    return list(dict.fromkeys(pixel.tobytes() for pixel in pixels.reshape(-1, 4)))


def runs_of(items: list[bytes]) -> Iterator[tuple[bytes, int]]:
    """Equal neighbours, counted."""
    start = 0
    for end in range(1, len(items) + 1):
        if end == len(items) or items[end] != items[start]:
            yield items[start], end - start
            start = end


def flat(pixels: Picture) -> list[bytes]:
    """The pixels, one by one."""
    return [pixel.tobytes() for pixel in pixels.reshape(-1, 4)]


# --- Raw and Hextile --------------------------------------------------------------------------


def raw(pixels: Picture) -> bytes:
    return pixels.tobytes()


def hextile(pixels: Picture, choose: Choose) -> bytes:
    out = b""
    background = foreground = None
    for tile in tiles(pixels, 16):
        if choose(3) == 0:
            out += b"\1" + tile.tobytes()
            continue
        flags, body = 0, b""
        new_background = flat(tile)[choose(tile.shape[0] * tile.shape[1])]
        if new_background != background or choose(2):
            flags, background = 2, new_background
            body += background
        rects = [
            (x, y, length, tile[y, x].tobytes())
            for y in range(tile.shape[0])
            for x, length in _row_runs(tile[y])
            if tile[y, x].tobytes() != background
        ]
        if 0 < len(rects) < 256:
            flags |= 8
            one_colour = len({colour for *_, colour in rects}) == 1
            if one_colour and choose(4):
                if foreground != rects[0][3] or choose(2):
                    flags |= 4
                    foreground = rects[0][3]
                    body += foreground
            else:
                flags |= 16
                foreground = None
            body += bytes([len(rects)])
            for x, y, length, colour in rects:
                if flags & 16:
                    body += colour
                body += bytes([x << 4 | y, (length - 1) << 4])
        elif rects:
            flags, body, background = 1, tile.tobytes(), None
        out += bytes([flags]) + body
    return out


def _row_runs(row: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    x = 0
    for _, length in runs_of([pixel.tobytes() for pixel in row]):
        yield x, length
        x += length


# --- RRE, CoRRE and Zlib ----------------------------------------------------------------------


def _subrects(pixels: Picture, max_side: int) -> tuple[bytes, list[tuple[bytes, int, int, int]]]:
    """A background, and the runs of other colours in each row: colour, x, y, length."""
    background = flat(pixels)[0]
    runs = [
        (pixels[y, x].tobytes(), x, y, length)
        for y in range(pixels.shape[0])
        for x, length in _row_runs(pixels[y])
        if pixels[y, x].tobytes() != background
    ]
    assert max(pixels.shape[:2]) <= max_side
    return background, runs


def rre(pixels: Picture) -> bytes:
    background, runs = _subrects(pixels, 65535)
    return struct.pack(">I4s", len(runs), background) + b"".join(
        struct.pack(">4sHHHH", colour, x, y, length, 1) for colour, x, y, length in runs
    )


def corre(pixels: Picture) -> bytes:
    background, runs = _subrects(pixels, 255)
    return struct.pack(">I4s", len(runs), background) + b"".join(
        struct.pack(">4sBBBB", colour, x, y, length, 1) for colour, x, y, length in runs
    )


def zlib_raw(pixels: Picture, deflater: "Deflater") -> bytes:
    compressed = deflater.deflate(pixels.tobytes())
    return len(compressed).to_bytes(4, "big") + compressed


# --- ZRLE -------------------------------------------------------------------------------------


def zrle_tile(tile: Picture, choose: Choose) -> bytes:
    """One tile in one of the subencodings that can express it."""
    colours = colours_of(tile)
    kinds: list[Callable[[Picture], bytes]] = [zrle_raw, zrle_runs]
    if len(colours) == 1:
        kinds.append(zrle_solid)
    if 2 <= len(colours) <= 16:
        kinds.append(zrle_packed)
    if 2 <= len(colours) <= 127:
        kinds.append(zrle_palette_runs)
    return kinds[choose(len(kinds))](tile)


def zrle_raw(tile: Picture) -> bytes:
    return b"\0" + tile[:, :, :3].tobytes()


def zrle_solid(tile: Picture) -> bytes:
    return b"\1" + tile[0, 0, :3].tobytes()


def zrle_packed(tile: Picture) -> bytes:
    colours = colours_of(tile)
    bits = 1 if len(colours) == 2 else 2 if len(colours) <= 4 else 4
    out = bytes([len(colours)]) + b"".join(colour[:3] for colour in colours)
    for row in tile:
        text = "".join(f"{colours.index(pixel.tobytes()):0{bits}b}" for pixel in row)
        text += "0" * (-len(text) % 8)
        out += int(text, 2).to_bytes(len(text) // 8, "big")
    return out


def zrle_length(length: int) -> bytes:
    return b"\xff" * ((length - 1) // 255) + bytes([(length - 1) % 255])


def zrle_runs(tile: Picture) -> bytes:
    runs = runs_of(flat(tile))
    return b"\x80" + b"".join(colour[:3] + zrle_length(length) for colour, length in runs)


def zrle_palette_runs(tile: Picture) -> bytes:
    colours = colours_of(tile)
    out = bytes([128 + len(colours)]) + b"".join(colour[:3] for colour in colours)
    for colour, length in runs_of(flat(tile)):
        index = colours.index(colour)
        out += bytes([index]) if length == 1 else bytes([index | 128]) + zrle_length(length)
    return out


@dataclass
class Deflater:
    """A server's zlib stream."""

    stream: "zlib._Compress" = field(default_factory=zlib.compressobj)

    def deflate(self, data: bytes) -> bytes:
        return self.stream.compress(data) + self.stream.flush(zlib.Z_SYNC_FLUSH)


def zrle(pixels: Picture, choose: Choose, deflater: Deflater) -> bytes:
    return zrle_of(b"".join(zrle_tile(tile, choose) for tile in tiles(pixels, 64)), deflater)


def zrle_of(data: bytes, deflater: Deflater) -> bytes:
    """A ZRLE rectangle of tiles that are encoded already."""
    compressed = deflater.deflate(data)
    return len(compressed).to_bytes(4, "big") + compressed


# --- Tight ------------------------------------------------------------------------------------


def compact_length(length: int) -> bytes:
    if length < 1 << 7:
        return bytes([length])
    if length < 1 << 14:
        return bytes([length & 127 | 128, length >> 7])
    return bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14])


def rgb(pixels: Picture) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[:, :, 2::-1])


@dataclass
class TightServer:
    """A Tight encoder with its four streams."""

    streams: list[Deflater] = field(default_factory=lambda: [Deflater() for _ in range(4)])

    def body(self, data: bytes, stream: int) -> bytes:
        if len(data) < 12:
            return data
        compressed = self.streams[stream].deflate(data)
        return compact_length(len(compressed)) + compressed

    def fill(self, pixels: Picture) -> bytes:
        return b"\x80" + bytes(rgb(pixels)[0, 0].tolist())

    def copy(self, pixels: Picture, stream: int = 0) -> bytes:
        return bytes([stream << 4]) + self.body(rgb(pixels).tobytes(), stream)

    def palette(self, pixels: Picture, stream: int = 0) -> bytes:
        colours = colours_of(pixels)
        out = bytes([stream << 4 | 0x40, 1, len(colours) - 1])
        out += b"".join(colour[2::-1] for colour in colours)
        indices = np.array([colours.index(pixel) for pixel in flat(pixels)], np.uint8)
        indices = indices.reshape(pixels.shape[:2])
        data = (np.packbits(indices, axis=1) if len(colours) <= 2 else indices).tobytes()
        return out + self.body(data, stream)

    def gradient(self, pixels: Picture, stream: int = 0) -> bytes:
        colours = np.zeros((pixels.shape[0] + 1, pixels.shape[1] + 1, 3), np.int16)
        colours[1:, 1:] = rgb(pixels)
        predicted = colours[1:, :-1] + colours[:-1, 1:] - colours[:-1, :-1]
        filtered = (colours[1:, 1:] - np.clip(predicted, 0, 255)).astype(np.uint8)
        return bytes([stream << 4 | 0x40, 2]) + self.body(filtered.tobytes(), stream)

    def reset(self, stream: int) -> int:
        """Begin *stream* anew; the bit that says so."""
        self.streams[stream] = Deflater()
        return 1 << stream

    def any(self, pixels: Picture, choose: Choose) -> bytes:
        """One rectangle in one of the ways that can express it, perhaps after resets."""
        stream = choose(4)
        resets = self.reset(choose(4)) if choose(3) == 0 else 0
        count = len(colours_of(pixels))
        kinds = [self.copy, self.gradient]
        if count <= 256:
            kinds.append(self.palette)
        if count == 1 and choose(2):
            data = self.fill(pixels)
        else:
            data = kinds[choose(len(kinds))](pixels, stream)
        return bytes([data[0] | resets, *data[1:]])


# --- PNG and Tight PNG ------------------------------------------------------------------------


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these chunks, and an end."""
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def filtered(samples: npt.NDArray[np.uint8], step: int, choose: Choose) -> bytes:
    """Rows of bytes, each through a filter of its own; *step* bytes are a pixel."""
    out = bytearray()
    above = [0] * samples.shape[1]
    for row in samples.tolist():
        kind = choose(5)
        out.append(kind)
        for i, byte in enumerate(row):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            guesses = (0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner))
            out.append((byte - guesses[kind]) & 255)
        above = row
    return bytes(out)


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda neighbour: abs(estimate - neighbour))


def png_of(pixels: Picture, choose: Choose) -> bytes:
    """The picture as RGB, or with a palette where it has few colours."""
    height, width = pixels.shape[:2]
    colours = colours_of(pixels)
    if len(colours) > 256 or choose(2):
        data = filtered(rgb(pixels).reshape(height, -1), 3, choose)
        return png(png_header(width, height), (b"IDAT", zlib.compress(data)))
    depth = next(depth for depth in (1, 2, 4, 8) if len(colours) <= 1 << depth)
    indices = np.array([colours.index(pixel) for pixel in flat(pixels)], np.uint8)
    bits = np.unpackbits(indices.reshape(height, width, 1), axis=2)[:, :, 8 - depth :]
    data = filtered(np.packbits(bits.reshape(height, -1), axis=1), 1, choose)
    palette = b"".join(colour[2::-1] for colour in colours)
    compressed = zlib.compress(data)
    half = len(compressed) // 2
    return png(
        png_header(width, height, depth, 3),
        (b"PLTE", palette),
        (b"tEXt", b"Comment\0no matter"),
        (b"IDAT", compressed[:half]),
        (b"IDAT", compressed[half:]),
    )


def tight_png(pixels: Picture, choose: Choose) -> bytes:
    if len(colours_of(pixels)) == 1 and choose(2):
        return b"\x80" + bytes(rgb(pixels)[0, 0].tolist())
    data = png_of(pixels, choose)
    return b"\xa0" + compact_length(len(data)) + data
