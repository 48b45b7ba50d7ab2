"""A slide show: a new slide, half photo, every 1.27 s, and a clock's bar 30 times a second."""

from collections.abc import Sequence
from random import Random

import numpy as np

from benchmarks.artwork import photo, prose
from benchmarks.marks import HEIGHT, WIDTH
from benchmarks.pictures import Rgb
from benchmarks.scenes.scene import HIGH, WIDE, Canvas, Marks, Place, Scene, even_times

RATE = 30.0
EACH = 38
"""Frames that a slide stays: 1.27 s."""

SLIDES = 12
BAR = (16, HIGH - 40, 800, 24)
CLOCK = (840, HIGH - 36)
"""The mark that counts frames, beside the bar."""

ON_SLIDE: Sequence[Place] = ((24, 24), (WIDE // 2 - WIDTH // 2, HIGH // 2), (WIDE - 200, HIGH - 80))
"""Marks of the slide's own number."""


class Slides(Scene):
    """No slide comes twice.  A frame is shown when its slide is there in every corner."""

    name = "slides"
    marks = Marks([CLOCK, *ON_SLIDE], {})

    def times(self, seconds: float) -> list[float]:
        """As the contract says."""
        return even_times(min(seconds, SLIDES * EACH / RATE - 0.1), RATE)

    def prepare(self, canvas: Canvas) -> None:
        """As the contract says."""
        self._canvas = canvas
        self._slides = [canvas.pixmap(slide(number)) for number in range(SLIDES)]
        self._turned = -1
        canvas.x.send(*self.paint(0))

    def paint(self, number: int) -> list[bytes]:
        """As the contract says."""
        canvas, current = self._canvas, slide_of(number)
        requests = []
        if current != self._turned:
            self._turned = current
            requests += canvas.copy(self._slides[current], (0, 0, WIDE, HIGH), (0, 0))
            for place in ON_SLIDE:
                requests += canvas.mark(current, place)
        x, y, width, height = BAR
        done = 8 + (width - 8) * (number % EACH) // EACH
        requests += canvas.fill(0xD8DEE9, BAR) + canvas.fill(0x5E81AC, (x, y, done, height))
        return requests + canvas.mark(number, CLOCK)

    def readings(self, number: int) -> list[int]:
        """As the contract says."""
        return [number] + [slide_of(number)] * len(ON_SLIDE)


def slide_of(number: int) -> int:
    """Which slide a frame shows."""
    return number // EACH


def slide(number: int) -> Rgb:
    """Text on the left, a photo on the right or below, on white or on a dark ground."""
    random = Random(number)
    background = random.choice(("#ffffff", "#fdf6e3", "#e8eef7"))
    picture = prose((WIDE, HIGH), number, background).copy()
    size = random.choice(((900, 760), (1100, 620), (820, 860)))
    left, top = WIDE - size[0] - 60, 90
    picture[top : top + size[1], left : left + size[0]] = photo(size, 100 + number)
    picture[HIGH - 48 :] = np.uint8(0xD8)
    assert top + size[1] < HIGH - 80 - HEIGHT
    return picture
