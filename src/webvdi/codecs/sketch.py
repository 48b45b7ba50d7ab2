"""A sketch: pixels in so few colours that a slow link carries them while they move.

Each tile keeps its *ground*, the colour in the middle between dark and light, exactly; what is
darker or lighter is drawn in *ink*, in one colour each.  So letters stay sharp and of their
colour, at a few hundredths of a byte a pixel as PNG, where JPEG of that size leaves smudges.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from webvdi.codecs.palette import Words
from webvdi.framebuffer import TILE, Pixels

SKETCH: Final = 0
"""Stands for a sketch where else a quality of JPEG is."""

_TILE_AREA = TILE * TILE

_SAMPLED = 3
"""Of so many pixels one is looked at to find the ground; no divisor of a tile's side, so that they
are of all columns."""

_LEAST_CONTRAST = 20
"""Steps of lightness, of 255: what differs less is ground."""

_HIGH_BITS = np.uint32(0xFFE0E0E0)
_SECOND, _THIRD = np.uint32(0x001C1C1C), np.uint32(0x00030303)

Lightness = npt.NDArray[np.uint8]


def sketched(pixels: Pixels) -> Pixels:
    """*pixels*, which begin on a tile's bound, in at most three colours a tile; a new array."""
    tiles = _tiles(pixels)
    lightness = _lightness(tiles)
    each = np.arange(len(tiles))
    sample = lightness[:, ::_SAMPLED]
    middle = sample.shape[1] // 2
    ground = _SAMPLED * np.argpartition(sample, middle, axis=1)[:, middle]
    result = np.repeat(tiles[each, ground][:, None], _TILE_AREA, axis=1)
    level = lightness[each, ground].astype(np.int16)
    for at, sign in ((lightness.argmin(axis=1), -1), (lightness.argmax(axis=1), 1)):
        contrast = sign * (lightness[each, at] - level)
        # Nearer to the ink than to the ground; without contrast nothing is.
        bound = np.where(contrast < _LEAST_CONTRAST, 256, level * sign + contrast // 2)
        inked = sign * lightness.astype(np.int16) > bound[:, None]
        np.copyto(result, _plain(tiles[each, at])[:, None], where=inked)
    return _joined(result, pixels)


def _tiles(pixels: Pixels) -> Words:
    """The pixels of each tile in a row; at the edges, what is missing is as what is next to it."""
    words = pixels.view(np.uint32)[:, :, 0]
    height, width = words.shape
    whole = np.pad(words, ((0, -height % TILE), (0, -width % TILE)), mode="edge")
    grid = whole.reshape(whole.shape[0] // TILE, TILE, -1, TILE).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(grid).reshape(-1, _TILE_AREA)


def _joined(tiles: Words, like: Pixels) -> Pixels:
    """The other way round."""
    height, width = like.shape[:2]
    rows, columns = -(-height // TILE), -(-width // TILE)
    grid = tiles.reshape(rows, columns, TILE, TILE).transpose(0, 2, 1, 3)
    whole = grid.reshape(rows * TILE, columns * TILE)
    joined: Pixels = np.ascontiguousarray(whole[:height, :width]).view(np.uint8)
    return joined.reshape(height, width, 4)


def _lightness(tiles: Words) -> Lightness:
    """Of each pixel, about as eyes see it."""
    channels = tiles.view(np.uint8).reshape(*tiles.shape, 4)
    sums = channels[:, :, 1].astype(np.uint16) * np.uint16(5)
    sums += channels[:, :, 2].astype(np.uint16) * np.uint16(2)
    sums += channels[:, :, 0]
    return (sums >> np.uint16(3)).astype(np.uint8)


def _plain(colours: Words) -> Words:
    """The nearest colours, about, of three bits a channel: the fewer inks, the fewer bytes."""
    high = colours & _HIGH_BITS
    plain: Words = high | (high >> np.uint32(3)) & _SECOND | (high >> np.uint32(6)) & _THIRD
    return plain
