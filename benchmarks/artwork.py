"""Pictures that the scenes are made of: text as desktops draw it, windows, a kind of photos.

All are drawn from seeds: the same for every peer and every run, and kept, for drawing takes long.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.pictures import Rgb

FONTS = Path("/usr/share/fonts/truetype/dejavu")
MONO, SANS, BOLD = "DejaVuSansMono.ttf", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"

INK = ("#24292e", "#24292e", "#24292e", "#005cc5", "#6f42c1", "#d73a49", "#22863a", "#6a737d")
"""Of words in a program's text; most are plain."""

# fmt: off
SYLLABLES = (
    "ba", "de", "fi", "lo", "mu", "ra", "se", "ti", "po", "na", "ker", "win", "dow", "set", "get",
    "put", "row", "tile", "key", "map", "net", "loc", "str",
)
# fmt: on


@cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts above, in pixels."""
    return ImageFont.truetype(str(FONTS / name), size)


def fixed(rgb: Rgb) -> Rgb:
    """The same picture, which nobody changes any more."""
    rgb.flags.writeable = False
    return rgb


def word(random: Random) -> str:
    """Of one to four syllables; hardly any is there twice in a row."""
    return "".join(random.choices(SYLLABLES, k=random.randint(1, 4)))


@cache
def program_text(size: tuple[int, int], line: int, seed: int, background: str = "#ffffff") -> Rgb:
    """Antialiased coloured text as an editor shows it, in indented lines of *line* pixels."""
    width, height = size
    random = Random(seed)
    image = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(image)
    face = font(MONO, 13)
    advance = face.getlength("m")
    for top in range(0, height - line + 1, line):
        column = 4 * random.choice((0, 1, 1, 2, 2, 3, 4))
        end = random.randint(column, int(width / advance))
        while column < end:
            text = word(random) + random.choice((" ", " ", "(", ") ", " = ", ": ", ", "))
            draw.text((4 + column * advance, top + 1), text, random.choice(INK), face)
            column += len(text)
    return fixed(np.asarray(image))


@cache
def prose(size: tuple[int, int], seed: int, background: str = "#ffffff") -> Rgb:
    """Antialiased black text in paragraphs, as a word processor or a web page shows it."""
    width, height = size
    random = Random(seed)
    image = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(image)
    face = font(SANS, 15)
    top = 12
    while top < height - 24:
        for _ in range(random.randint(2, 6)):
            text, limit = "", width - random.choice((40, 40, 40, 300))
            while face.getlength(text) < limit - 60:
                text += word(random) + " "
            draw.text((20, top), text, "#202020", face)
            top += 22
        top += 16
    return fixed(np.asarray(image))


@cache
def photo(size: tuple[int, int], seed: int) -> Rgb:
    """Soft shapes in all sizes, edges, and the grain of a sensor: as hard to encode as a photo."""
    width, height = size
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 110.0, np.float32)
    step = max(width, height)
    while step >= 4:
        cells = random.normal(0, 1, (-(-height // step) + 1, -(-width // step) + 1, 3))
        grid = (cells * (0.4 + 0.6 * random.random(3)) * 11).astype(np.float32)
        layer = [
            np.asarray(
                Image.fromarray(grid[:, :, c]).resize((width, height), Image.Resampling.BICUBIC)
            )
            for c in range(3)
        ]
        picture += np.stack(layer, axis=2) * (1.0 if step > 16 else 0.5)
        step //= 2
    for _ in range(12):  # edges of things
        x, y = int(random.integers(width)), int(random.integers(height))
        w, h = int(random.integers(40, 400)), int(random.integers(40, 300))
        picture[y : y + h, x : x + w] *= random.uniform(0.7, 1.3, 3).astype(np.float32)
    picture += random.normal(0, 2.5, picture.shape).astype(np.float32)
    return fixed(np.clip(picture, 0, 255).astype(np.uint8))


def window(inner: Rgb, title: str) -> Rgb:
    """A window with a title bar of 28 pixels, a status bar of 24 and a frame of 1."""
    height, width = inner.shape[:2]
    image = Image.new("RGB", (width + 2, height + 52), "#8a8f98")
    draw = ImageDraw.Draw(image)
    draw.rectangle((1, 1, width, 27), fill="#3b4252")
    draw.text((200, 5), title, "#eceff4", font(BOLD, 13))
    for at, colour in ((24, "#bf616a"), (46, "#ebcb8b"), (68, "#a3be8c")):
        draw.ellipse((width - at, 8, width - at + 12, 20), fill=colour)
    image.paste(Image.fromarray(inner), (1, 28))
    draw.rectangle((1, 28 + height, width, 50 + height), fill="#e5e9f0")
    draw.text((12, 31 + height), f"{title}: line 1, column 1", "#3b4252", font(SANS, 12))
    return np.asarray(image)


def labelled(size: tuple[int, int], rows: Sequence[str], background: str = "#f7f7f7") -> Rgb:
    """A menu or a form: a line of text in each row of 26 pixels, thin rules between."""
    image = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(image)
    for number, text in enumerate(rows):
        draw.text((14, 26 * number + 5), text, "#202020", font(SANS, 13))
        draw.line((0, 26 * number + 25, size[0], 26 * number + 25), "#dddddd")
    draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline="#888888")
    return np.asarray(image)


def x_pixels(rgb: Rgb) -> bytes:
    """As :func:`benchmarks.x11.put_image` takes them."""
    padded = np.zeros((*rgb.shape[:2], 4), np.uint8)
    padded[:, :, :3] = rgb[:, :, ::-1]
    return padded.tobytes()
