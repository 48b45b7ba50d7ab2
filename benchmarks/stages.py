"""Where the time of a keystroke goes: notes of the page, the taps and the painter, put in order.

All clocks are this host's: milliseconds since 1970.  A keystroke has a page of its own in every
log, for the next key is pressed only when the one before was seen.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

MIN_UPDATE_BYTES = 20
"""Anything smaller on its way down is no picture, but an acknowledgement or a pong."""

TAPS: Sequence[str] = ("browser", "link", "server")
"""Places of taps in the order in which a key passes them; not every peer has a link."""

KEY_MESSAGES = (4, 255)
"""First bytes of RFB's KeyEvent (RFC 6143 §7.5.4) and of QEMU's extended one (rfbproto)."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that passed at one place."""

    at: float
    what: str
    """``up`` or ``down``; in the page ``sent``, ``received`` or ``drawn``."""
    size_bytes: int = 0
    first_byte: int = 0


@dataclass(frozen=True, slots=True)
class Logs:
    """What was noted at each place, each in the order of time."""

    page: Sequence[Note]
    taps: Mapping[str, Sequence[Note]]
    """By their places, in the order of ``TAPS``."""
    painter: Sequence[tuple[float, float]]
    """When the painter received a key and when it had painted."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A place that a keystroke passes; its stage is the time since the moment before."""

    stage: str
    at: float


STAGES = {
    "sent": "page: key event to message sent",
    "browser up": "browser: out of the page, to the gateway",
    "link up": "gateway: web process (Fabricator)",
    "server up": "gateway: to the RFB key event",
    "received": "X server: key event to its client",
    "painted": "X client: paints",
    "server down": "X server: paint to RFB update",
    "link down": "gateway: RFB update to viewer update",
    "browser down": "gateway: out to the browser",
    "arrived": "browser: into the page",
    "drawn": "page: decodes and draws",
    "shown": "page: waits for the next frame",
}


class Incomplete(Exception):
    """A keystroke whose way cannot be told; the message names the place."""


def journey(down: float, shown: float, logs: Logs) -> list[Moment]:
    """The moments of the keystroke that the page heard at *down* and showed at *shown*.

    On the way to the painter each moment is the first one after that before it.  The drawing that
    was seen is the last one before it was seen, and from there it goes backwards, for servers
    may split an update.  Raises :class:`Incomplete`.
    """
    passed: list[tuple[str, float]] = [("sent", _first(logs.page, down, shown, _is("sent")))]
    for name in logs.taps:
        key = _is_key if name == "server" else _is("up")
        passed.append((f"{name} up", _first(logs.taps[name], passed[-1][1], shown, key)))
    received, painted = _press(logs.painter, passed[-1][1], shown)
    passed += [("received", received), ("painted", painted)]
    drawn = _last(logs.page, painted, shown, _is("drawn"))
    arrived = _last(logs.page, painted, drawn, _is_picture("received"))
    for name in reversed(list(logs.taps)):
        at = _first(logs.taps[name], passed[-1][1], arrived, _is_picture("down"))
        passed.append((f"{name} down", at))
    passed += [("arrived", arrived), ("drawn", drawn), ("shown", shown)]
    return [Moment(STAGES[name], at) for name, at in passed]


def durations(down: float, moments: Sequence[Moment]) -> dict[str, float]:
    """Milliseconds of each stage; together they are the latency."""
    start = Moment("", down)
    return {later.stage: later.at - earlier.at for earlier, later in pairwise([start, *moments])}


def parse_tap(lines: Iterable[str]) -> list[Note]:
    """The log of a tap."""
    notes = []
    for line in lines:
        seconds, direction, size, first = line.split()
        notes.append(Note(float(seconds) * 1000, direction, int(size), int(first)))
    return sorted(notes, key=_time)


def parse_painter(lines: Iterable[str]) -> list[tuple[float, float]]:
    """The painter's trace."""
    presses = []
    for line in lines:
        received, painted = line.split()
        presses.append((float(received) * 1000, float(painted) * 1000))
    return presses


def _first(notes: Sequence[Note], since: float, until: float, wanted: "_Question") -> float:
    """When the first wanted note between the two times was made."""
    for note in notes[bisect_left(notes, since, key=_time) :]:
        if note.at > until:
            break
        if wanted(note):
            return note.at
    raise Incomplete(f"nothing passed between {since:.1f} and {until:.1f}")


def _last(notes: Sequence[Note], since: float, until: float, wanted: "_Question") -> float:
    for note in reversed(notes[: bisect_right(notes, until, key=_time)]):
        if note.at < since:
            break
        if wanted(note):
            return note.at
    raise Incomplete(f"nothing passed between {since:.1f} and {until:.1f}")


def _press(
    presses: Sequence[tuple[float, float]], since: float, until: float
) -> tuple[float, float]:
    for received, painted in presses:
        if since <= received and painted <= until:
            return received, painted
    raise Incomplete("the painter received nothing")


_Question = Callable[[Note], bool]


def _time(note: Note) -> float:
    return note.at


def _is(what: str) -> _Question:
    return lambda note: note.what == what


def _is_picture(what: str) -> _Question:
    return lambda note: note.what == what and note.size_bytes >= MIN_UPDATE_BYTES


def _is_key(note: Note) -> bool:
    return note.what == "up" and note.first_byte in KEY_MESSAGES
