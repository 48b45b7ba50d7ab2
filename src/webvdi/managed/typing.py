"""Text as keystrokes, for guests that take only keys.

A character that a US keyboard has goes as its scancode with Shift where needed, since QEMU knows
keys only; any other goes as a keysym, which RFB servers with a keyboard map understand.  Strokes
are paced: guests lose keys that come faster than they scan (vncdotool#31).
"""

from collections import deque
from dataclasses import dataclass

STROKES_PER_SECOND = 160.0
"""About 80 characters a second: a page of text in half a minute, and no guest loses any."""

MAX_WAITING = 16384
"""Characters waiting to be typed; more are refused, not kept."""

MAX_AT_ONCE = 24
"""Characters that may go out without pauses: a word, not a page."""

_SHIFT = (0xFFE1, 0x2A)

_ROWS = (
    ("`1234567890-=", "~!@#$%^&*()_+", (0x29, *range(0x02, 0x0E))),
    ("qwertyuiop[]", "QWERTYUIOP{}", tuple(range(0x10, 0x1C))),
    ("asdfghjkl;'", 'ASDFGHJKL:"', tuple(range(0x1E, 0x29))),
    ("\\zxcvbnm,./", "|ZXCVBNM<>?", (0x2B, *range(0x2C, 0x36))),
)

_US: dict[str, tuple[int, bool]] = {
    character: (scancode, shifted)
    for plain, shift, scancodes in _ROWS
    for characters, shifted in ((plain, False), (shift, True))
    for character, scancode in zip(characters, scancodes, strict=True)
} | {" ": (0x39, False)}

_CONTROL = {"\n": (0xFF0D, 0x1C), "\t": (0xFF09, 0x0F), "\b": (0xFF08, 0x0E), "\x1b": (0xFF1B, 1)}


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key that goes down or up: X11 keysym and PC/AT set 1 scancode (0 unknown)."""

    down: bool
    keysym: int
    scancode: int


def keysym_of(character: str) -> int:
    """The X11 keysym of a character (Latin-1 is itself; the rest 0x01000000 + code point)."""
    code = ord(character)
    if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF:
        return code
    return 0x01000000 + code


def strokes_for(character: str) -> list[Stroke]:
    """The keys that type *character*."""
    if character in _CONTROL:
        return _tap(*_CONTROL[character])
    scancode, shifted = _US.get(character, (0, False))
    tap = _tap(keysym_of(character), scancode)
    return [Stroke(True, *_SHIFT), *tap, Stroke(False, *_SHIFT)] if shifted else tap


def _tap(keysym: int, scancode: int) -> list[Stroke]:
    return [Stroke(True, keysym, scancode), Stroke(False, keysym, scancode)]


class Typist:
    """Lets strokes out at an even pace."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._next = float("-inf")

    def type(self, text: str) -> bool:
        """Queue *text*; False, and nothing queued, where too much is waiting."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if len(self._waiting) + len(text) > MAX_WAITING:
            return False
        self._waiting.extend(text)
        return True

    def forget(self) -> None:
        """Type nothing of what waits: it was meant for another moment."""
        self._waiting.clear()

    def interrupt(self) -> list[Stroke]:
        """A person presses a key while text waits.

        A word or a composition goes out at once, before that key.  A longer text ends here: half
        of a pasted command and then Enter would run what nobody meant.
        """
        rest = list(self._waiting) if len(self._waiting) <= MAX_AT_ONCE else []
        self._waiting.clear()
        return [stroke for character in rest for stroke in strokes_for(character)]

    @property
    def due(self) -> float | None:
        """When the next character may be typed; None if none waits."""
        return self._next if self._waiting else None

    def strokes(self, now: float) -> list[Stroke]:
        """The next character's strokes, if it is time."""
        if not self._waiting or now < self._next:
            return []
        strokes = strokes_for(self._waiting.popleft())
        self._next = now + len(strokes) / STROKES_PER_SECOND
        return strokes
