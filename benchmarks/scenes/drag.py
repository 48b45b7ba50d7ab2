"""A window that is dragged over a photo, 60 times a second."""

from collections.abc import Sequence
from math import sin

from benchmarks.artwork import photo, program_text, window
from benchmarks.scenes.scene import HIGH, WIDE, Canvas, Marks, Place, Scene, even_times

RATE = 60.0
LONGEST_S = 60
INNER = (840, 560)
SIZE = (INNER[0] + 2, INNER[1] + 52)
FIXED = (16, 16)
"""A mark on the wallpaper."""

ON_WINDOW: Sequence[Place] = ((12, 6), (SIZE[0] - 180, SIZE[1] - 20))
"""Marks in its title bar and, at the other corner, in its status bar."""


class Drag(Scene):
    """The window goes around in curves, 3 to 15 pixels a frame, in both directions at once."""

    name = "drag"

    def __init__(self) -> None:
        frames = range(int(LONGEST_S * RATE) + 1)
        self.marks = Marks([FIXED], {n: on_window(n) for n in frames})

    def times(self, seconds: float) -> list[float]:
        """As the contract says."""
        return even_times(min(seconds, LONGEST_S), RATE)

    def prepare(self, canvas: Canvas) -> None:
        """As the contract says."""
        self._canvas = canvas
        self._wallpaper = canvas.pixmap(photo((WIDE, HIGH), seed=2))
        self._window = canvas.pixmap(window(program_text(INNER, 18, seed=3), "notes.py"))
        self._at = position(0)
        canvas.x.send(*canvas.copy(self._wallpaper, (0, 0, WIDE, HIGH), (0, 0)), *self.paint(0))

    def paint(self, number: int) -> list[bytes]:
        """As the contract says."""
        canvas, left = self._canvas, self._at
        self._at = position(number)
        return [
            *canvas.copy(self._wallpaper, (*left, *SIZE), left),
            *(r for place in ON_WINDOW for r in canvas.mark(number, place, self._window)),
            *canvas.copy(self._window, (0, 0, *SIZE), self._at),
            *canvas.mark(number, FIXED),
        ]

    def readings(self, number: int) -> list[int]:
        """As the contract says."""
        return [number] * (1 + len(ON_WINDOW))


def position(number: int) -> Place:
    """Of the window's corner in a frame; it stays on the screen and off the fixed mark."""
    x = (WIDE - SIZE[0]) / 2 * (1 + 0.9 * sin(number / 37))
    y = 48 + (HIGH - SIZE[1] - 48) / 2 * (1 + 0.95 * sin(number / 23 + 1))
    return round(x), round(y)


def on_window(number: int) -> list[Place]:
    """Where the window's marks are in a frame."""
    left, top = position(number)
    return [(left + x, top + y) for x, y in ON_WINDOW]
