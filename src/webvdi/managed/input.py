"""A viewer's hands: what it holds down, which inputs were handled, and what RFB makes of them."""

from webvdi.managed.messages import InputCommand, Move, Point, Press, RequestSize, SetClipboard
from webvdi.wire.from_viewer import (
    Clipboard,
    Input,
    Key,
    Motion,
    Pointer,
    ReleaseKeys,
    ScreenSize,
    Text,
    Wheel,
)

MAX_HELD = 32
"""Keys one viewer may hold down at once: more than ten fingers and a cat."""

_WHEEL_UP, _WHEEL_DOWN, _WHEEL_LEFT, _WHEEL_RIGHT = 1 << 3, 1 << 4, 1 << 5, 1 << 6


class Hands:
    """The input state of one viewer."""

    def __init__(self) -> None:
        self.last_input = 0
        """The highest input number handled."""
        self._held: dict[tuple[int, int], Press] = {}
        self._buttons = 0
        self._x = 0
        self._y = 0
        self._relative = False
        """Whether the guest takes motion only; a position would throw its pointer away."""

    def handle(self, message: Input) -> list[InputCommand]:
        """What the display is to be told.  *Text* is the typist's business and gives nothing."""
        match message:
            case Key():
                return self._key(message)
            case Pointer(_, x, y, buttons):
                self._x, self._y, self._buttons = x, y, rfb_buttons(buttons)
                self._relative = False
                return [Point(x, y, self._buttons)]
            case Motion(_, dx, dy, buttons):
                self._buttons = rfb_buttons(buttons)
                self._relative = True
                return [Move(dx, dy, self._buttons)]
            case Wheel():
                return self._wheel(message)
            case ReleaseKeys():
                return self.release()
            case Clipboard(_, text):
                return [SetClipboard(text)]
            case ScreenSize(_, width, height):
                return [RequestSize(width, height)]
            case Text():
                return []

    def fresh(self, message: Input) -> bool:
        """Whether this input was not handled yet; notes its number."""
        if message.input <= self.last_input:
            return False
        self.last_input = message.input
        return True

    def release(self) -> list[InputCommand]:
        """Let go of every key and button."""
        commands: list[InputCommand] = [
            Press(False, held.keysym, held.scancode) for held in self._held.values()
        ]
        self._held.clear()
        if self._buttons:
            self._buttons = 0
            commands.append(self._hold(0))
        return commands

    def _hold(self, buttons: int) -> InputCommand:
        """The buttons, at the place where the pointer is."""
        if self._relative:
            return Move(0, 0, buttons)
        return Point(self._x, self._y, buttons)

    def _key(self, message: Key) -> list[InputCommand]:
        # With a scancode the key is the same key whatever Shift makes of its keysym.
        identity = (message.scancode, 0) if message.scancode else (0, message.keysym)
        press = Press(message.down, message.keysym, message.scancode)
        if message.down:
            if identity not in self._held and len(self._held) >= MAX_HELD:
                return []
            self._held[identity] = press
        elif self._held.pop(identity, None) is None:
            return []  # went up already, by release()
        return [press]

    def _wheel(self, message: Wheel) -> list[InputCommand]:
        self._x, self._y = message.x, message.y
        commands: list[InputCommand] = []
        for notches, less, more in (
            (message.dy, _WHEEL_UP, _WHEEL_DOWN),
            (message.dx, _WHEEL_LEFT, _WHEEL_RIGHT),
        ):
            button = more if notches > 0 else less
            for _ in range(abs(notches)):
                commands += [self._hold(self._buttons | button), self._hold(self._buttons)]
        return commands


def rfb_buttons(buttons: int) -> int:
    """The viewer protocol's buttons as RFB's: back and forward lie behind the wheel there."""
    return (buttons & 0b111) | (buttons >> 3 & 0b11) << 7
