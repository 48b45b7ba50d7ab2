"""What encoding costs and comes to: bytes and milliseconds a megapixel, by kind of picture.

Nothing but the encoders runs, in one thread.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.machine import Machine, load
from benchmarks.report import JsonLines, markdown_table, spread
from benchmarks.samples import Spread
from benchmarks.specimens import PICTURES, as_pixels
from webvdi.codecs import contents, encode, encode_sheet
from webvdi.framebuffer import Pixels, Rect

QUALITY = 85
PART = (160, 48)
"""Width and height of a sheet's parts: every other such cell of the picture, as in a chessboard."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be measured."""

    do: Callable[[], tuple[str, int]]
    """Does it once; the codec, and the bytes."""
    pixels: int


@dataclass(frozen=True, slots=True)
class Figure:
    """What one kind of work on one picture came to."""

    picture: str
    work: str
    codec: str
    ms_per_megapixel: Spread
    kb_per_megapixel: float


def options(parser: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="a file for the figures, an object a line")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    print(f"{Machine.this()}, load {load():.1f}")
    figures = [
        measured(picture, name, work, arguments.rounds)
        for picture, make in PICTURES.items()
        for name, work in works(as_pixels(make())).items()
    ]
    lines = JsonLines(arguments.json)
    for figure in figures:
        lines.write("codec", asdict(figure))
    print(table(figures))


def works(pixels: Pixels) -> Mapping[str, Work]:
    """What is measured on a picture."""
    width, height = PART
    parts = [
        (Rect(x, y, width, height), pixels[y : y + height, x : x + width])
        for y in range(0, pixels.shape[0] - height + 1, height)
        for x in range(y // height % 2 * width, pixels.shape[1] - width + 1, 2 * width)
    ]

    def one(quality: int | None) -> tuple[str, int]:
        encoded = encode(pixels, quality)
        return encoded.kind.value, len(encoded.payload)

    def sheet(quality: int | None) -> tuple[str, int]:
        encoded = encode_sheet(parts, quality)
        return encoded.kind.value, len(encoded.payload)

    whole, some = pixels.shape[0] * pixels.shape[1], len(parts) * width * height
    return {
        "contents": Work(lambda: ("", contents(pixels).nbytes), whole),
        "exact": Work(partial(one, None), whole),
        f"quality {QUALITY}": Work(partial(one, QUALITY), whole),
        "sheet, exact": Work(partial(sheet, None), some),
        f"sheet, quality {QUALITY}": Work(partial(sheet, QUALITY), some),
    }


def measured(picture: str, name: str, work: Work, rounds: int) -> Figure:
    """*work*, done once to warm up and then *rounds* times."""
    codec, size = work.do()
    megapixels = work.pixels / 1e6
    times = [_timed_ms(work) / megapixels for _ in range(rounds)]
    return Figure(picture, name, codec, Spread.of(times), size / 1000 / megapixels)


def table(figures: list[Figure]) -> str:
    """The figures for people."""
    rows = []
    last = ""
    for figure in figures:
        name = "" if figure.picture == last else figure.picture
        last = figure.picture
        took, size = spread(figure.ms_per_megapixel, 2), f"{figure.kb_per_megapixel:.1f}"
        rows.append([name, figure.work, figure.codec, took, size])
    return markdown_table(["picture", "work", "codec", "ms/MP", "kB/MP"], rows)


def _timed_ms(work: Work) -> float:
    """Processor time of this thread, so that what else runs on the host does not count."""
    began = time.thread_time()
    work.do()
    return 1000 * (time.thread_time() - began)
