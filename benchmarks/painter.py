"""The guest's side of typing: an X client that paints as soon as a key is pressed.

Each press draws the typed character where a caret would be, as an editor does, and turns the
marker, a cell at a known place, into its other colour: that is what a page can wait for.

Run as ``python -m benchmarks.painter DISPLAY TRACE``; a line of TRACE is one press: when it was
received and when the painting was handed to the X server, seconds since 1970.
"""

import sys
import time
from pathlib import Path

from benchmarks import x11

WINDOW = (64, 64, 992, 640)
MARKER = (16, 16, 8, 16)
MARKER_COLOURS = (0xC82828, 0x2828C8)
"""The marker is in the first one before any press; 0xRRGGBB."""

MARKER_PIXEL = (WINDOW[0] + MARKER[0] + 4, WINDOW[1] + MARKER[1] + 8)
"""The middle of the marker on the screen."""

CELL = (6, 16)
COLUMNS, ROWS = 160, 34
TEXT_AT = (16, 64)
SPECIMEN = "The quick brown fox jumps over the lazy dog while 0123456789 sheep watch. "


class Editor:
    """A window of text in which typing replaces what is there, character by character."""

    def __init__(self, display: int) -> None:
        self._connection = x11.XConnection(display)
        screen = self._connection.screen
        new_id = self._connection.new_id
        self._window, font, self._ink, self._paint = new_id(), new_id(), new_id(), new_id()
        self._presses = 0
        events = x11.EventMask.KEY_PRESS | x11.EventMask.EXPOSURE
        self._connection.send(
            x11.create_window(self._window, screen.root, WINDOW, screen.white, events),
            x11.open_font(font, "fixed"),
            x11.create_context(self._ink, self._window, screen.black, screen.white, font),
            x11.create_context(self._paint, self._window, screen.black, screen.white, font),
            x11.map_window(self._window),
        )

    def run(self, trace: Path) -> None:
        """Serve until the X server ends."""
        with trace.open("w", buffering=1) as log:
            for code, event in self._connection.events():
                received = time.time()
                if code == x11.EventCode.EXPOSE:
                    self._draw_all()
                    print("ready", flush=True)
                elif code == x11.EventCode.KEY_PRESS:
                    self._press(chr(ord("a") + event[1] % 26))
                    log.write(f"{received:.6f} {time.time():.6f}\n")

    def _draw_all(self) -> None:
        text = SPECIMEN * (COLUMNS // len(SPECIMEN) + 2)
        lines = [
            x11.image_text(self._window, self._ink, *_place(0, row), text[row : row + COLUMNS])
            for row in range(ROWS)
        ]
        self._connection.send(*lines, *self._marker(), x11.set_input_focus(self._window))

    def _press(self, character: str) -> None:
        row, column = divmod(self._presses, COLUMNS)
        self._presses += 1
        typed = x11.image_text(self._window, self._ink, *_place(column, row % ROWS), character)
        self._connection.send(typed, *self._marker())

    def _marker(self) -> list[bytes]:
        colour = MARKER_COLOURS[self._presses % 2]
        return [
            x11.set_foreground(self._paint, colour),
            x11.fill(self._window, self._paint, MARKER),
        ]


def _place(column: int, row: int) -> tuple[int, int]:
    return TEXT_AT[0] + column * CELL[0], TEXT_AT[1] + row * CELL[1]


if __name__ == "__main__":
    Editor(int(sys.argv[1])).run(Path(sys.argv[2]))
