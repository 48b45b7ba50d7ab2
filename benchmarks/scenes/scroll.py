"""Text that fills the screen and scrolls, 60 times a second."""

from collections.abc import Sequence

import numpy as np

from benchmarks.artwork import program_text
from benchmarks.marks import BITS, CELL, HEIGHT, NUMBERS, UNREADABLE, WIDTH, bits
from benchmarks.pictures import Rgb
from benchmarks.scenes.scene import HIGH, WIDE, Canvas, Marks, Scene, even_times, oldest

RATE = 60.0
STEP = 18
"""Pixels a frame; more than a mark is high, so that each frame shows other marks everywhere."""

LINE = 20
"""Pixels from line to line."""

PERIOD = 10440
"""Pixels until the text repeats: a multiple of STEP and of LINE."""

LEFT = 16 + WIDTH
"""Of the text; beside it the line numbers, which are marks and scroll with it."""

RULER = 32000
"""Pixels of marks; a run ends before they do."""

LOOKS_AT = (100, HIGH // 2, HIGH - 100)
"""Rows of the screen in which the marks are read."""


class Scroll(Scene):
    """The whole window moves up by STEP a frame."""

    name = "scroll"
    marks = Marks([(8, y - HEIGHT // 2) for y in LOOKS_AT], {})

    def times(self, seconds: float) -> list[float]:
        """As the contract says; the marks last for 28 s."""
        return even_times(min(seconds, (RULER - HIGH) / STEP / RATE - 1), RATE)

    def prepare(self, canvas: Canvas) -> None:
        """As the contract says."""
        self._canvas = canvas
        text = program_text((WIDE - LEFT, PERIOD), LINE, seed=1)
        self._text = canvas.pixmap(np.concatenate((text, text[:HIGH])))
        self._ruler = canvas.pixmap(ruler(RULER))
        canvas.x.send(*canvas.fill(0xFFFFFF, (0, 0, WIDE, HIGH)), *self.paint(0))

    def paint(self, number: int) -> list[bytes]:
        """As the contract says."""
        text = (0, number * STEP % PERIOD, WIDE - LEFT, HIGH)
        numbers = (0, number * STEP, WIDTH, HIGH)
        copy = self._canvas.copy
        return [*copy(self._text, text, (LEFT, 0)), *copy(self._ruler, numbers, (8, 0))]

    def readings(self, number: int) -> list[int]:
        """As the contract says."""
        return [(y + number * STEP) // HEIGHT for y in LOOKS_AT]

    def shown(self, readings: Sequence[int]) -> int | None:
        """The oldest of what is in different places of the screen."""
        numbers = [frame_of(line, y) for line, y in zip(readings, LOOKS_AT, strict=True)]
        found = [number for number in numbers if number is not None]
        return oldest(found) if len(found) == len(readings) else None


def frame_of(line: int, y: int) -> int | None:
    """The frame in which row *y* of the screen shows mark *line* of the ruler; None: in none."""
    number = -(-(line * HEIGHT - y) // STEP)
    fits = line != UNREADABLE and (y + number * STEP) // HEIGHT == line
    return number % NUMBERS if fits else None


def ruler(height: int) -> Rgb:
    """Marks one below the other, numbered from 0."""
    lines = -(-height // HEIGHT)
    codes = np.array([bits(line) for line in range(lines)], np.uint8)
    cells = (1 - codes).repeat(CELL, axis=1).repeat(HEIGHT, axis=0)[:height] * np.uint8(255)
    assert cells.shape[1] == BITS * CELL
    return np.ascontiguousarray(cells[:, :, None].repeat(3, axis=2))
