"""What frames cost: writing the mirror, committing it, and finding what has moved in it.

No browser and no server: the framebuffer alone.  Each figure is the median of many turns, in which
the screen goes on as it would: text scrolls, a window is dragged, a film plays.  Times are what
the processor worked (``thread_time``), so that others on the host disturb them less.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import Machine, load
from benchmarks.report import JsonLines, markdown_table
from unit.framebuffer.scenes import noise, put, text, window
from webvdi.framebuffer import Framebuffer, Frames, Move, Pixels, Rect, covered, moved, rects_of


@dataclass(frozen=True)
class Case:
    """A screen and how it goes on."""

    name: str
    start: Pixels
    steps: Iterator[tuple[Rect, Pixels]]
    """Where the display writes, and what; without end."""


@dataclass(frozen=True)
class Cost:
    """Of one case; milliseconds are medians."""

    case: str
    put_ms: float
    commit_ms: float
    commit_p95_ms: float
    changed: float
    """Tiles, a turn."""
    moves: float
    wrong: float


def options(parser: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--json", type=Path)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    width, height = map(int, arguments.size.split("x"))
    print(f"{Machine.this()}, load {load():.1f}; {width}x{height}, {arguments.turns} turns")
    lines = JsonLines(arguments.json)
    costs = [_measure(case, arguments.turns) for case in cases(width, height)]
    for cost in costs:
        lines.write("frames", asdict(cost))
    head = ["case", "put ms", "commit ms", "p95", "tiles changed", "moves", "tiles wrong"]
    print(markdown_table(head, [_row(cost) for cost in costs]))
    for name, cost_us in _small(width, height).items():
        lines.write("call", {"name": name, "us": cost_us})
        print(f"{name}: {cost_us:.1f} µs")


def _row(cost: Cost) -> list[str]:
    figures = (cost.put_ms, cost.commit_ms, cost.commit_p95_ms)
    counts = (cost.changed, cost.moves, cost.wrong)
    return [cost.case, *(f"{f:.3f}" for f in figures), *(f"{c:.1f}" for c in counts)]


def _measure(case: Case, turns: int) -> Cost:
    mirror = Framebuffer(case.start.shape[1], case.start.shape[0])
    mirror.put(mirror.rect, case.start.copy())
    frames = Frames(mirror)
    frames.commit()
    mirror.put(*next(case.steps))  # the case's own content appears; from now on it goes on
    frames.commit()
    put_s, commit_s, found = [], [], []
    for _ in range(turns):
        rect, pixels = next(case.steps)
        began = time.thread_time()
        mirror.put(rect, pixels)
        written = time.thread_time()
        frame = frames.commit()
        commit_s.append(time.thread_time() - written)
        put_s.append(written - began)
        if frame is not None:
            found.append((frame.changed.sum(), len(frame.moves), frame.wrong.sum()))
    return Cost(
        case.name,
        float(np.median(put_s) * 1e3),
        float(np.median(commit_s) * 1e3),
        float(np.percentile(commit_s, 95) * 1e3),
        *(float(mean) for mean in np.mean(found, axis=0)),
    )


def cases(width: int, height: int) -> Iterator[Case]:
    """Screens, and how they go on."""
    page = text(width, height, 1)
    photograph = noise(width, height, 6)
    everything = Rect(0, 0, width, height)
    pane = Rect(201, 77, width * 2 // 3, height * 2 // 3)
    yield Case("typed letter", page, _letters(page))
    yield Case("full scroll", page, _scroll(everything, 0, [32]))
    yield Case("full scroll, unsteady", page, _scroll(everything, 0, [32, 5, 48]))
    yield Case("sideways", page, _scroll(everything, 24, [0]))
    yield Case("pane scroll", page, _scroll(pane, 0, [32]))
    yield Case("pane scroll, unsteady", page, _scroll(pane, 0, [32, 5, 48]))
    yield Case("window over text", page, _drag(page, [7]))
    yield Case("window over text, unsteady", page, _drag(page, [7, 13, 2]))
    yield Case("window over a photograph", photograph, _drag(photograph, [7]))
    yield Case("film, a quarter", page, _film(Rect(64, 64, width // 2, height // 2)))
    yield Case("film, full", page, _film(everything))
    yield Case("slides", page, _slides(width, height))


def _letters(page: Pixels) -> Iterator[tuple[Rect, Pixels]]:
    rects = [Rect(x, page.shape[0] // 2, 9, 16) for x in range(100, page.shape[1] - 20, 9)]
    while True:
        for number, rect in enumerate(rects):
            yield rect, noise(rect.width, rect.height, number)


def _scroll(pane: Rect, dx: int, dys: Sequence[int]) -> Iterator[tuple[Rect, Pixels]]:
    """Text goes by without end, a step further each time, at several speeds in turns."""
    endless = text(pane.width + 60 * dx, pane.height + 60 * max(dys), 5)
    while True:
        x = y = 0
        for _, dy in zip(range(60), itertools.cycle(dys), strict=False):
            yield pane, endless[y : y + pane.height, x : x + pane.width].copy()
            x, y = x + dx, y + dy


def _drag(ground: Pixels, dxs: Sequence[int]) -> Iterator[tuple[Rect, Pixels]]:
    height, width = ground.shape[:2]
    shown = window(width // 3, height // 2, 7)
    old = Rect(50, 40, shown.shape[1], shown.shape[0])
    for n, dx in enumerate(itertools.cycle(dxs)):
        x = 50 + (old.x - 50 + dx) % (width // 2)
        new = Rect(x, 40 + (3 * n) % (height // 3), old.width, old.height)
        rect, old = old.union(new), new
        picture = put(ground, new.x, new.y, shown)
        yield rect, picture[rect.y : rect.bottom, rect.x : rect.right].copy()


def _film(rect: Rect) -> Iterator[tuple[Rect, Pixels]]:
    seed = 0
    while True:
        seed += 1
        yield rect, noise(rect.width, rect.height, seed)


def _slides(width: int, height: int) -> Iterator[tuple[Rect, Pixels]]:
    slides = [text(width, height, seed) for seed in range(4)]
    while True:
        for slide in slides:
            yield Rect(0, 0, width, height), slide.copy()


def _small(width: int, height: int) -> dict[str, float]:
    """Single calls, microseconds."""
    mirror = Framebuffer(width, height)
    frames = Frames(mirror)
    letter = Rect(width // 2, height // 2, 9, 16)
    letters = itertools.cycle([noise(9, 16, seed) for seed in range(9)])
    one = np.zeros_like(mirror.touched)
    one[covered(letter)] = True
    everything = np.ones_like(one)
    scattered = np.random.default_rng(1).random(one.shape) < 0.02
    scroll = Move(Rect(0, 0, width, height - 32), 0, 32)
    same = mirror.pixels.copy()
    calls: dict[str, Callable[[], object]] = {
        "put, a letter": lambda: mirror.put(letter, next(letters)),
        "put, all, nothing new": lambda: mirror.put(mirror.rect, same),
        "put and commit, a letter": lambda: (mirror.put(letter, next(letters)), frames.commit()),
        "commit, nothing touched": frames.commit,
        "rects_of, a letter": lambda: rects_of(one, width, height),
        "rects_of, everything": lambda: rects_of(everything, width, height),
        "rects_of, scattered": lambda: rects_of(scattered, width, height),
        "moved, full scroll": lambda: moved(scattered, scroll),
    }
    return {name: _timed_us(call) for name, call in calls.items()}


def _timed_us(call: Callable[[], object]) -> float:
    """The median of many times."""
    took = []
    for _ in range(300):
        began = time.thread_time()
        call()
        took.append(time.thread_time() - began)
    return float(np.median(took) * 1e6)
