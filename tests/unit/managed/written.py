"""Screens full of text, as desktops show it: antialiased, and in many colours."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from webvdi.framebuffer import Pixels

_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
_WORDS = ("class", "return", "import", "async", "lambda", "self", "value", "index", "for")


def coloured(width: int, height: int, seed: int = 1) -> Pixels:
    """Lines of words, each of a colour of its own."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (250, 250, 247))
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(_FONT, 13)
    for y in range(2, height, 18):
        x = 4.0
        while x < width:
            word = _WORDS[random.integers(len(_WORDS))]
            colour = tuple(random.integers(0, 200, 3).tolist())
            draw.text((x, y), word, fill=colour, font=font)
            x += draw.textlength(word + " ", font=font)
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, :3] = np.asarray(image)[:, :, ::-1]
    return pixels
