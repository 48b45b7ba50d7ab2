"""Pictures that look like desktops: text, wallpaper, windows; and the moves applied to them."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import TILE, Move, Pixels, Rect, TileMask

LINE, COLUMN = 16, 8
"""Pixels of a character cell."""


def blank(width: int, height: int, colour: int = 0xFFFFFF) -> Pixels:
    pixels = np.zeros((height, width, 4), np.uint8)
    paint(pixels, Rect(0, 0, width, height), colour)
    return pixels


def paint(pixels: Pixels, rect: Rect, colour: int) -> None:
    words = pixels.view(np.uint32)[:, :, 0]
    words[rect.y : rect.bottom, rect.x : rect.right] = colour | 0xFF000000


def noise(width: int, height: int, seed: int) -> Pixels:
    """Each pixel another colour."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    pixels[:, :, 3] = 255
    return pixels


def text(width: int, height: int, seed: int, *, different_lines: int = 1 << 20) -> Pixels:
    """Black words on white, in one font: the same characters come again and again."""
    font = np.random.default_rng(1).random((27, LINE, COLUMN)) < 0.3
    font[:, :3] = font[:, -3:] = font[:, :, -1:] = font[0] = False
    random = np.random.default_rng(seed)
    shape = (-(-height // LINE), -(-width // COLUMN))
    letters = random.choice(27, shape, p=[0.2, *(0.8 * common_letters())])
    letters[:, : shape[1] // 20] = 0
    lines = letters[np.arange(shape[0]) % different_lines]
    ink = font[lines].transpose(0, 2, 1, 3).reshape(shape[0] * LINE, shape[1] * COLUMN)
    pixels = blank(width, height)
    pixels[ink[:height, :width]] = (0, 0, 0, 255)
    return pixels


def common_letters() -> npt.NDArray[np.float64]:
    """How often each of 26 letters comes: as 1/n, as in languages."""
    shares: npt.NDArray[np.float64] = 1 / np.arange(1, 27)
    return np.asarray(shares / shares.sum())


def put(picture: Pixels, x: int, y: int, part: Pixels) -> Pixels:
    """*picture* with *part* over it, cut off at the edges."""
    result = picture.copy()
    there = result[y : y + part.shape[0], x : x + part.shape[1]]
    there[...] = part[: there.shape[0], : there.shape[1]]
    return result


def window(width: int, height: int, seed: int) -> Pixels:
    """Text in a frame, below a title bar."""
    pixels = blank(width, height, 0x404040)
    paint(pixels, Rect(1, 1, width - 2, 20), 0x3060A0)
    return put(pixels, 2, 22, text(width - 4, height - 24, seed))


def scroll(picture: Pixels, pane: Rect, dx: int, dy: int, seed: int = 99) -> Pixels:
    """The content of *pane* has moved by (*dx*, *dy*); other text has come in."""
    before = picture[pane.y : pane.bottom, pane.x : pane.right]
    kept = before[max(0, -dy) : pane.height - max(0, dy), max(0, -dx) : pane.width - max(0, dx)]
    after = put(text(pane.width, pane.height, seed), max(0, dx), max(0, dy), kept)
    return put(picture, pane.x, pane.y, after)


def applied(picture: Pixels, moves: Iterable[Move]) -> Pixels:
    """What a viewer does with moves, one after the other."""
    result = picture.copy()
    for move in moves:
        source, rect = move.source, move.rect
        result[rect.y : rect.bottom, rect.x : rect.right] = result[
            source.y : source.bottom, source.x : source.right
        ].copy()
    return result


def differing(old: Pixels, new: Pixels) -> TileMask:
    """The tiles in which two pictures differ, by brute force."""
    differs = (old != new).any(axis=2)
    rows, columns = -(-new.shape[0] // TILE), -(-new.shape[1] // TILE)
    return np.array(
        [
            [
                bool(differs[r * TILE : (r + 1) * TILE, c * TILE : (c + 1) * TILE].any())
                for c in range(columns)
            ]
            for r in range(rows)
        ]
    )


def replaced(picture: Pixels, mask: TileMask, new: Pixels) -> Pixels:
    """*picture* with the true tiles as they are in *new*."""
    wide = np.repeat(np.repeat(mask, TILE, 0), TILE, 1)[: new.shape[0], : new.shape[1]]
    return np.where(wide[:, :, None], new, picture)
