"""Half a minute of office work: typing, menus, scrolling, changing windows, dragging, photos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.artwork import MONO, SANS, font, labelled, photo, program_text, prose, window
from benchmarks.marks import HEIGHT, NUMBERS, WIDTH
from benchmarks.pictures import Rgb
from benchmarks.scenes.scene import HIGH, WIDE, Canvas, Marks, Place, Scene
from benchmarks.x11 import Area

PANEL = (0, HIGH - 40, WIDE, 40)
FIXED = (16, HIGH - 28)
"""The mark on the panel."""

PLACES: dict[str, Place] = {
    "editor": (120, 60),
    "sheet": (420, 120),
    "browser": (260, 40),
    "dialog": (760, 420),
    "photos": (200, 30),
    "menu": (180, 88),
}
INNER: dict[str, tuple[int, int]] = {
    "editor": (1000, 800),
    "sheet": (1100, 760),
    "browser": (1200, 820),
    "dialog": (420, 140),
    "photos": (1400, 900),
}
MENU_SIZE, MENU_ROW = (260, 260), 26
GLYPH, CELL = (8, 17), (90, 24)
DOCUMENT = 4000
"""Pixels of the texts that are scrolled."""

PHOTOS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    at: float
    act: str
    """type, scroll, open, close, move, item, progress or photo."""
    window: str
    to: Place = (0, 0)
    """Where, or how far."""


def script() -> Iterator[Step]:
    """All that happens, in order."""
    yield from (Step(0.5 + 0.12 * n, "type", "editor", (n, 4)) for n in range(36))
    yield Step(5.1, "open", "menu")
    yield from (Step(5.3 + 0.15 * n, "item", "menu", (0, n)) for n in range(8))
    yield Step(6.6, "close", "menu")
    yield from (Step(6.8 + n / 30, "scroll", "editor", (0, 12 * (n + 1))) for n in range(72))
    for at, name in ((9.6, "sheet"), (10.2, "editor"), (10.8, "sheet")):
        yield Step(at, "open", name)
    yield from (Step(11.2 + 0.1 * n, "type", "sheet", (n % 5, n // 5)) for n in range(25))
    yield Step(14.0, "open", "browser")
    yield from (Step(14.6 + n / 60, "scroll", "browser", (0, 10 * (n + 1))) for n in range(120))
    yield from (Step(17.0 + n / 60, "move", "browser", dragged(n + 1)) for n in range(120))
    yield Step(19.4, "open", "dialog")
    yield from (Step(19.6 + 0.1 * n, "progress", "dialog", (4 * (n + 1), 0)) for n in range(25))
    yield Step(22.2, "close", "dialog")
    yield Step(22.5, "open", "editor")
    yield from (Step(22.9 + 0.12 * n, "type", "editor", (n, 9)) for n in range(28))
    yield Step(26.4, "open", "photos")
    yield from (Step(27.2 + 0.8 * n, "photo", "photos", (n + 1, 0)) for n in range(2))
    yield Step(28.8, "close", "photos")


def dragged(number: int) -> Place:
    """Where the browser's window is after so many frames of dragging."""
    x, y = PLACES["browser"]
    return x + round(190 * sin(number / 38)), y + round(60 - 60 * cos(number / 19))


STEPS = tuple(script())


def size_of(name: str) -> tuple[int, int]:
    """Of a window with its frame."""
    return MENU_SIZE if name == "menu" else (INNER[name][0] + 2, INNER[name][1] + 52)


def mark_in(name: str) -> Place:
    """A window's own mark: in its status bar, at the right; in a menu, in the last row."""
    width, height = size_of(name)
    return (16, height - 22) if name == "menu" else (width - WIDTH - 12, height - 20)


class Desk:
    """Which windows are open, and where: what can be known without painting."""

    def __init__(self) -> None:
        self.order = ["editor"]
        """From the lowest to the topmost."""
        self.places = dict(PLACES)

    def follow(self, step: Step) -> None:
        """As it is after a step."""
        if step.act in ("open", "close"):
            self.order = [name for name in self.order if name != step.window]
        if step.act == "open":
            self.order.append(step.window)
        if step.act == "move":
            self.places[step.window] = step.to

    def area(self, name: str) -> Area:
        """A window's, on the screen."""
        return (*self.places[name], *size_of(name))

    def mark(self) -> Place:
        """Of the topmost window, on the screen."""
        (left, top), (x, y) = self.places[self.order[-1]], mark_in(self.order[-1])
        return left + x, top + y


class Office(Scene):
    """Every step is shown.  It is shown when the panel's mark and the topmost window's say so."""

    name = "office"
    may_skip = False
    seconds = 29.0

    def __init__(self) -> None:
        desk = Desk()
        moving: dict[int, Sequence[Place]] = {0: [desk.mark()]}
        for number, step in enumerate(STEPS, 1):
            desk.follow(step)
            moving[number] = [desk.mark()]
        self.marks = Marks([FIXED], moving)
        self._desk = Desk()

    def times(self, seconds: float) -> list[float]:
        """As the contract says; a shorter time breaks off."""
        return [step.at for step in STEPS if step.at <= seconds]

    def prepare(self, canvas: Canvas) -> None:
        """As the contract says."""
        self._canvas = canvas
        self._wallpaper = canvas.pixmap(photo((WIDE, HIGH), seed=5))
        documents = {
            "editor": program_text((INNER["editor"][0], DOCUMENT), 19, seed=6),
            "browser": page(),
        }
        self._documents = {name: canvas.pixmap(rgb) for name, rgb in documents.items()}
        width, height = INNER["photos"]
        self._photos = [canvas.pixmap(photo((width, height), 20 + n)) for n in range(PHOTOS)]
        inner = {
            "editor": documents["editor"][: INNER["editor"][1]],
            "browser": documents["browser"][: INNER["browser"][1]],
            "sheet": sheet(),
            "dialog": labelled(INNER["dialog"], ["Saving the document", "Please wait"]),
            "photos": photo((width, height), 20),
        }
        self._windows = {name: canvas.pixmap(window(rgb, name)) for name, rgb in inner.items()}
        rows = [*["New", "Open", "Save", "Save as", "Print", "Export", "Preferences", "Quit"], ""]
        self._windows["menu"] = canvas.pixmap(labelled(MENU_SIZE, rows))
        self._glyphs, self._cells = canvas.pixmap(glyphs()), canvas.pixmap(cells())
        canvas.x.send(*self._compose((0, 0, WIDE, HIGH)), *self._marks(0))

    def paint(self, number: int) -> list[bytes]:
        """As the contract says."""
        step = STEPS[number - 1]
        before = self._desk.area(step.window)
        self._desk.follow(step)
        top = self._desk.order[-1]
        requests = self._canvas.mark(number, mark_in(top), self._windows[top])
        match step.act:
            case "open":
                requests += self._compose(self._desk.area(step.window))
            case "close":
                requests += self._compose(before)
            case "move":
                requests += self._compose(before) + self._compose(self._desk.area(step.window))
            case _:
                requests += self._change(step, number)
        return requests + self._marks(number)

    def _marks(self, number: int) -> list[bytes]:
        canvas = self._canvas
        return canvas.mark(number, self._desk.mark()) + canvas.mark(number, FIXED)

    def _change(self, step: Step, number: int) -> list[bytes]:
        """What is inside a window: on its pixmap first, and from there to the screen."""
        x, y = step.to
        pixmap = self._windows[step.window]
        canvas = self._canvas
        inside: Area
        match step.act:
            case "type" if step.window == "sheet":
                inside = (60 + x * CELL[0], 60 + y * CELL[1], *CELL)
                change = canvas.copy(self._cells, (0, y * CELL[1], *CELL), inside[:2], pixmap)
            case "type":
                inside = (200 + x * GLYPH[0], 60 + y * 19, *GLYPH)
                glyph = (number * 7 % 26 * GLYPH[0], 0, *GLYPH)
                change = canvas.copy(self._glyphs, glyph, inside[:2], pixmap)
            case "scroll":
                inside = (1, 28, *INNER[step.window])
                source = (x, y, *INNER[step.window])
                change = canvas.copy(self._documents[step.window], source, (1, 28), pixmap)
            case "photo":
                inside = (1, 28, *INNER["photos"])
                source = (0, 0, *INNER["photos"])
                change = canvas.copy(self._photos[x], source, (1, 28), pixmap)
            case "progress":
                inside = (20, 110, 380, 20)
                change = canvas.fill(0x5E81AC, (20, 110, 380 * x // 100, 20), target=pixmap)
            case _:  # a menu's item: a bar beside it, from one to the next
                inside = (1, 1, 8, MENU_ROW * 9)
                change = canvas.fill(0xF7F7F7, inside, target=pixmap)
                change += canvas.fill(0x5E81AC, (1, MENU_ROW * y + 1, 8, 24), target=pixmap)
        left, top = self._desk.places[step.window]
        to = left + inside[0], top + inside[1]
        return [*change, *canvas.copy(pixmap, inside, to)]

    def _compose(self, area: Area) -> list[bytes]:
        """Everything that is to be seen in *area*, from the wallpaper upwards."""
        requests = []
        part = intersection(area, (0, 0, WIDE, PANEL[1]))
        if part:
            requests += self._canvas.copy(self._wallpaper, part, part[:2])
        part = intersection(area, PANEL)
        if part:
            requests += self._canvas.fill(0x2E3440, part)
        for name in self._desk.order:
            left, top, width, height = self._desk.area(name)
            part = intersection(area, (left, top, width, height))
            if part:
                x, y, wide, high = part
                source = (x - left, y - top, wide, high)
                requests += self._canvas.copy(self._windows[name], source, (x, y))
        return requests

    def readings(self, number: int) -> list[int]:
        """As the contract says."""
        return [number, number]


def intersection(one: Area, other: Area) -> Area | None:
    """What two areas have in common."""
    x, y = max(one[0], other[0]), max(one[1], other[1])
    right = min(one[0] + one[2], other[0] + other[2])
    bottom = min(one[1] + one[3], other[1] + other[3])
    return (x, y, right - x, bottom - y) if right > x and bottom > y else None


def page() -> Rgb:
    """A long web page: prose with photos between."""
    width = INNER["browser"][0]
    picture = prose((width, DOCUMENT), 7).copy()
    for number, top in enumerate(range(250, DOCUMENT - 500, 700)):
        picture[top : top + 360, 60 : 60 + 640] = photo((640, 360), 30 + number)
    return picture


def sheet() -> Rgb:
    """A spreadsheet with numbers in half of its cells."""
    picture = Image.new("RGB", INNER["sheet"], "#ffffff")
    draw = ImageDraw.Draw(picture)
    width, height = INNER["sheet"]
    for x in range(59, width, CELL[0]):
        draw.line((x, 0, x, height), "#d0d0d0")
    for y in range(31, height, CELL[1]):
        draw.line((0, y, width, y), "#d0d0d0")
        for x in range(59, width - CELL[0], CELL[0]):
            if (x + y) % 4 < 2:
                draw.text((x + 8, y + 4), f"{(x * y) % 9973 / 7:.2f}", "#202020", font(SANS, 13))
    return np.asarray(picture)


def glyphs() -> Rgb:
    """The letters that are typed."""
    picture = Image.new("RGB", (26 * GLYPH[0], GLYPH[1]), "#ffffff")
    draw = ImageDraw.Draw(picture)
    for number in range(26):
        letter = chr(ord("a") + number)
        draw.text((number * GLYPH[0], 0), letter, "#24292e", font(MONO, 13))
    return np.asarray(picture)


def cells() -> Rgb:
    """Cells that are filled in."""
    picture = Image.new("RGB", (CELL[0], 6 * CELL[1]), "#ffffff")
    draw = ImageDraw.Draw(picture)
    for number in range(6):
        draw.text((8, number * CELL[1] + 4), f"{number * 1234.5:.1f}", "#1d4ed8", font(SANS, 13))
    return np.asarray(picture)


assert len(STEPS) < NUMBERS
assert HEIGHT < MENU_ROW
