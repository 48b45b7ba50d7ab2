"""Kinds of pictures that screens show, made afresh each time and always the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from webvdi.framebuffer import Pixels

SIZE = (1280, 800)
_DESKTOP = Path(__file__).parent.parent / "docs" / "images" / "desk.png"
_WORDS = [
    "pixels",
    "tiles",
    "screen",
    "update",
    "browser",
    "of",
    "the",
    "a",
    "to",
    "session",
    "viewer",
    "encoder",
    "link",
    "mirror",
    "frame",
    "while",
    "rests",
    "exactly",
    "for",
    "each",
    "0x7f",
    "1024",
    "def",
    "return",
    "None",
    "if",
    "not",
    "self",
    "in",
    "and",
    "window",
]

Rgb = npt.NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _lines(seed: int, columns: int, rows: int) -> list[str]:
    """Lines as in a program or a letter: of words that come again, some short, some empty."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(rows):
        words = random.choice(_WORDS, int(random.integers(0, columns // 5)))
        indent = "    " * int(random.integers(0, 3))
        lines.append((indent + " ".join(words))[:columns])
    return lines


def _text(scale: tuple[int, int], font: Font, line_height: int, mode: str) -> npt.NDArray[np.uint8]:
    """How much ink is where, 0 to 255; *scale* stretches the page, not the letters."""
    width, height = SIZE[0] * scale[0], SIZE[1] * scale[1]
    page = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(page)
    draw.fontmode = mode
    for row, line in enumerate(_lines(1, 170, SIZE[1] // line_height)):
        draw.text((8, row * line_height * scale[1]), line, fill=255, font=font)
    return np.asarray(page)


def core_text() -> Rgb:
    """An X core font: black or white, nothing between."""
    ink = _text((1, 1), ImageFont.load_default_imagefont(), 13, "1")
    return np.repeat((255 - ink)[:, :, None], 3, axis=2)


def smooth_text() -> Rgb:
    """Antialiased text, black on white."""
    ink = _text((1, 1), ImageFont.load_default(13), 17, "L")
    return _blend(ink[:, :, None], np.array((0, 0, 0)), np.array((255, 255, 255)))


def coloured_text() -> Rgb:
    """Antialiased text in three colours on a dark ground, as in an editor: over 256 colours."""
    ink = _text((1, 1), ImageFont.load_default(13), 17, "L")
    colours = np.array([(216, 222, 233), (163, 190, 140), (129, 161, 193)])
    colour = colours[(np.arange(SIZE[1]) // 17 % 7 // 3)][:, None, :]
    return _blend(ink[:, :, None], colour, np.array((30, 34, 42)))


def subpixel_text() -> Rgb:
    """Antialiased by the thirds of a pixel, black on white."""
    ink = _text((3, 3), ImageFont.load_default(39), 17, "L")
    fine = ink.reshape(SIZE[1], 3, -1).mean(axis=1)
    padded = np.pad(fine, ((0, 0), (2, 2)))
    taps = (1, 2, 3, 2, 1)
    soft = sum(weight * padded[:, i : i + fine.shape[1]] for i, weight in enumerate(taps)) / 9
    thirds = np.asarray(soft).reshape(SIZE[1], SIZE[0], 3)
    return _blend(thirds, np.array((0, 0, 0)), np.array((255, 255, 255)))


def _blend(
    ink: npt.NDArray[np.generic], front: npt.NDArray[np.int_], back: npt.NDArray[np.int_]
) -> Rgb:
    share = np.asarray(ink, np.float64) / 255
    return np.rint(back + (front - back) * share).astype(np.uint8)


def desktop() -> Rgb:
    """A desktop with a window over its wallpaper: the project's own guest."""
    with Image.open(_DESKTOP) as picture:
        return np.asarray(picture.convert("RGB"))


def photograph() -> Rgb:
    """As in nature power falls with frequency and colours go together; with a camera's noise."""
    random = np.random.default_rng(5)
    width, height = SIZE
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1
    fields = []
    for _ in range(3):
        spectrum = np.fft.rfft2(random.standard_normal((height, width))) / frequency**1.5
        spectrum[0, 0] = 0
        field = np.fft.irfft2(spectrum, (height, width))
        fields.append(field / field.std())
    light, red, blue = fields
    planes = [light + 0.3 * red, light - 0.1 * red - 0.1 * blue, light + 0.3 * blue]
    rgb = 120 + 45 * np.dstack(planes) + 2 * random.standard_normal((height, width, 3))
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


PICTURES: dict[str, Callable[[], Rgb]] = {
    "X core font text": core_text,
    "antialiased text": smooth_text,
    "text in colours": coloured_text,
    "subpixel text": subpixel_text,
    "desktop": desktop,
    "photograph": photograph,
}


def as_pixels(rgb: Rgb) -> Pixels:
    """*rgb* in the mirror's layout: B, G, R, X with X 255."""
    return np.ascontiguousarray(np.dstack([rgb[:, :, ::-1], np.full(rgb.shape[:2], 255, np.uint8)]))
