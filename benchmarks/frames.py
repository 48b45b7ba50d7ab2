"""What a page showed, put beside what was painted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.marks import NUMBERS, later
from benchmarks.scenes.scene import Scene


@dataclass(frozen=True, slots=True)
class Look:
    """What an animation frame began with."""

    at: float
    """Milliseconds since 1970."""
    readings: list[int]
    """The number in each mark."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame that was seen."""

    number: int
    at: float
    """Milliseconds since 1970, when it was first on the canvas as a whole."""
    age_ms: float
    """Since it was handed to the X server."""


@dataclass(frozen=True, slots=True)
class Show:
    """What became of a run."""

    frames: list[Shown]
    looks: int
    torn: int
    """Looks that found no frame whole, but parts of several or of none."""

    def until(self, rest: float) -> int:
        """How many frames were seen by then."""
        return sum(frame.at <= rest for frame in self.frames)


def parse_painted(text: str) -> dict[int, float]:
    """The stage's log: when each frame was painted, in milliseconds since 1970."""
    lines = (line.split() for line in text.splitlines())
    return {int(number) % NUMBERS: float(at) * 1000 for number, at in lines}


def shown(
    looks: Sequence[Look],
    painted: Mapping[int, float],
    scene: Scene,
) -> Show:
    """The frames that were seen, each when it was first; one older than the last does not count."""
    frames: list[Shown] = []
    last, torn = 0, 0
    for look in looks:
        number = scene.shown(look.readings)
        torn += number is None or scene.readings(number) != look.readings
        if number is not None and number in painted and later(number, last):
            last = number
            frames.append(Shown(number, look.at, look.at - painted[number]))
    return Show(frames, len(looks), torn)


def exact_since(digests: Sequence[tuple[float, str]], wanted: str) -> float | None:
    """From when on each look found the wanted picture; None: the last one did not."""
    since = None
    for at, digest in digests:
        if digest != wanted:
            since = None
        elif since is None:
            since = at
    return since
