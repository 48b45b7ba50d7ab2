"""Pictures of a screen for lists and files: small as JPEG, whole as PNG."""

from dataclasses import dataclass
from typing import TypeAlias

from webvdi.codecs.jpeg import encode_jpeg
from webvdi.codecs.png import encode_png
from webvdi.framebuffer import Pixels, fitting, scaled

THUMBNAIL_QUALITY = 80

MAX_PICTURE_BYTES = 34 << 20
"""So that it fits an answer of the control face in base64; 4K without loss is 25 MB at worst."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a file."""

    version: str
    """Equal versions of one size are equal pictures."""
    media_type: str
    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The picture is the one that is known already."""


@dataclass(frozen=True, slots=True)
class NoPicture:
    """There is none; *words* say why."""

    words: str


Answer: TypeAlias = Picture | Unchanged | NoPicture


def render(pixels: Pixels, version: str, width: int, height: int) -> Picture | NoPicture:
    """*pixels* as a JPEG file that fits *width* x *height*, or whole as PNG if both are 0.

    Takes milliseconds: meant for a thread, where it holds the interpreter only now and then.
    """
    if width == 0 and height == 0:
        data = encode_png(pixels)
        if len(data) > MAX_PICTURE_BYTES:
            return NoPicture("the screen is too large for a picture without loss")
        return Picture(version, "image/png", data, pixels.shape[1], pixels.shape[0])
    size = fitting(pixels.shape[1], pixels.shape[0], max(1, width), max(1, height))
    data = encode_jpeg(scaled(pixels, *size), THUMBNAIL_QUALITY)
    return Picture(version, "image/jpeg", data, *size)
