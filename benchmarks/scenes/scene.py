"""What a scene is, for the painter that shows it and for the workload that reads its marks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks import x11
from benchmarks.artwork import x_pixels
from benchmarks.marks import HEIGHT, NUMBERS, UNREADABLE, WIDTH, black_cells, later
from benchmarks.pictures import Rgb

WIDE, HIGH = 1920, 1080

Place: TypeAlias = tuple[int, int]


class Canvas:
    """The window that fills the screen, and pixmaps beside it to copy from.

    Everything is painted as a guest in a machine is: pixels that are suddenly there.  The server
    never sees that something was moved, for only pixmaps are copied to the window.
    """

    def __init__(self, display: int) -> None:
        self.x = x11.XConnection(display)
        self.window = self.x.new_id()
        self._gc = self.x.new_id()
        screen = self.x.screen
        events = x11.EventMask.KEY_PRESS | x11.EventMask.EXPOSURE
        area = (0, 0, WIDE, HIGH)
        self.x.send(
            x11.create_window(self.window, screen.root, area, screen.black, events),
            x11.create_plain_context(self._gc, self.window),
            *self._no_cursor(),
            x11.map_window(self.window),
            x11.set_input_focus(self.window),
        )
        self.x.settle()

    def _no_cursor(self) -> list[bytes]:
        """Servers paint the pointer into the pictures of viewers that do not place it."""
        shape, cursor, gc = self.x.new_id(), self.x.new_id(), self.x.new_id()
        return [
            x11.create_pixmap(shape, self.window, (8, 8), depth=1),
            x11.create_plain_context(gc, shape, 0),
            x11.fill(shape, gc, (0, 0, 8, 8)),
            x11.create_cursor(cursor, shape),
            x11.set_cursor(self.window, cursor),
        ]

    def pixmap(self, rgb: Rgb) -> int:
        """A pixmap with this picture."""
        height, width = rgb.shape[:2]
        pixmap = self.x.new_id()
        self.x.send(x11.create_pixmap(pixmap, self.window, (width, height)))
        for part in x11.put_image(pixmap, self._gc, (0, 0, width, height), x_pixels(rgb)):
            self.x.send(part)
        self.x.settle()
        return pixmap

    def free(self, pixmaps: Sequence[int]) -> None:
        """Pixmaps that are not needed any more."""
        self.x.send(*map(x11.free_pixmap, pixmaps))

    def copy(
        self, source: int, area: x11.Area, to: Place, target: int | None = None
    ) -> list[bytes]:
        """*area* of a pixmap to a place on the window, or on another pixmap."""
        return [x11.copy_area(source, target or self.window, self._gc, area, to)]

    def fill(self, colour: int, *areas: x11.Area, target: int | None = None) -> list[bytes]:
        """Rectangles of one colour, 0xRRGGBB."""
        where = target or self.window
        return [x11.set_foreground(self._gc, colour), x11.fills(where, self._gc, areas)]

    def mark(self, number: int, place: Place, target: int | None = None) -> list[bytes]:
        """A mark (see ``marks.py``)."""
        white = self.fill(0xFFFFFF, (*place, WIDTH, HEIGHT), target=target)
        return white + self.fill(0, *black_cells(number, *place), target=target)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a page finds the numbers of frames."""

    places: Sequence[Place]
    """Always there."""
    moving: dict[int, Sequence[Place]]
    """When the first of them shows a number, there are others that should show it too."""


class Scene(ABC):
    """Something that goes on for a while, frame by frame."""

    name: str
    marks: Marks
    seconds = 8.0
    """How long a run is by default."""
    may_skip = True
    """Whether a frame can be left out when time is short."""

    @abstractmethod
    def times(self, seconds: float) -> list[float]:
        """When each frame after the first is due, in seconds from the start."""

    @abstractmethod
    def prepare(self, canvas: Canvas) -> None:
        """Draw everything that will be needed, and show frame 0."""

    @abstractmethod
    def paint(self, number: int) -> list[bytes]:
        """The requests that bring frame *number*, after all those before it or without some."""

    @abstractmethod
    def readings(self, number: int) -> list[int]:
        """What a look finds in the marks that shows frame *number* whole."""

    def shown(self, readings: Sequence[int]) -> int | None:
        """The frame that is shown whole, by what a look found in the marks; None: there is none.

        Here the first mark shows its number.
        """
        number = readings[0]
        whole = number != UNREADABLE and list(readings) == self.readings(number)
        return number if whole else None


def oldest(numbers: Sequence[int]) -> int:
    """Of numbers that go around."""
    first = numbers[0]
    for number in numbers[1:]:
        if later(first, number):
            first = number
    return first % NUMBERS


def even_times(seconds: float, rate: float) -> list[float]:
    """*rate* frames a second."""
    return [n / rate for n in range(1, int(seconds * rate) + 1)]
