"""``python -m benchmarks.stage DISPLAY LOG``: shows scenes on an X server, as it is told.

It is told lines on its standard input and answers each with one:

- ``prepare SCENE`` → ``ready``: frame 0 of the scene is there and rests;
- ``marker`` → ``ready``: from now on each key press turns a cell over everything into its other
  colour at once, as the painter of the typing workload does;
- ``run SECONDS`` → ``rest NUMBER TIME``: the frames have been shown; the last one, and when it was
  handed to the X server (seconds since 1970).  LOG has a line for each, ``NUMBER TIME``;
- ``stop``, while it runs: that was the last frame.  It has no answer of its own.

A frame is given to the X server whole, and the next one only when it has drawn it.  What is late by
a frame or more is left out, where the scene allows it.
"""

import os
import select
import sys
import time
from pathlib import Path

from benchmarks.painter import MARKER_COLOURS, MARKER_PIXEL
from benchmarks.scenes import SCENES
from benchmarks.scenes.scene import Canvas, Scene
from benchmarks.x11 import EventCode

MARKER_AREA = (MARKER_PIXEL[0] - 4, MARKER_PIXEL[1] - 8, 8, 16)


class Stage:
    """One X server's screen."""

    def __init__(self, display: int, log: Path) -> None:
        self._display = display
        self._orders = os.fdopen(0, "rb", buffering=0)  # else ``select`` misses what was read ahead
        self._log = log
        self._canvas = Canvas(display)
        self._scene: Scene | None = None
        self._presses: int | None = None
        """With a marker, how often it has been turned."""

    def obey(self, line: str) -> str:
        """Do as the line says; the answer."""
        verb, *details = line.split()
        match verb:
            case "prepare":
                self._prepare(details[0])
                return "ready"
            case "marker":
                self._presses = 0
                self._canvas.x.send(*self._marker())
                self._canvas.x.settle()
                return "ready"
            case "run":
                number, at = self._run(float(details[0]))
                return f"rest {number} {at:.6f}"
            case "stop":  # it has stopped already
                return ""
            case _:
                raise ValueError(f"{line!r} is nothing that a stage can do")

    def listen(self) -> None:
        """Obey until there is nobody any more to say anything."""
        while True:
            ready, _, _ = select.select(self._sources(), [], [])
            self._hear_keys()
            if self._orders.fileno() in ready:
                line = self._orders.readline().decode()
                if not line:
                    return
                if answer := self.obey(line):
                    print(answer, flush=True)

    def _prepare(self, name: str) -> None:
        old, self._canvas = self._canvas, Canvas(self._display)
        old.x.close()
        self._presses = None
        self._scene = SCENES[name]()
        self._scene.prepare(self._canvas)
        self._canvas.x.settle()

    def _run(self, seconds: float) -> tuple[int, float]:
        """Show all frames; the last one's number and time."""
        scene = self._scene
        assert scene is not None
        times = scene.times(seconds)
        start = time.monotonic()
        number, painted_at = 0, time.time()
        with self._log.open("w") as log:
            for number, due in enumerate(times, 1):
                last = number == len(times)
                late = not last and time.monotonic() > start + times[number]
                if late and scene.may_skip:
                    continue
                if self._stopped_before(start + due):
                    return number - 1, painted_at
                painted_at = time.time()
                self._canvas.x.send(*scene.paint(number), *self._marker())
                self._canvas.x.settle()
                log.write(f"{number} {painted_at:.6f}\n")
        return number, painted_at

    def _stopped_before(self, end: float) -> bool:
        """Hear keys until then; whether a stop came, or everybody is gone."""
        while True:
            left = max(0.0, end - time.monotonic())
            ready, _, _ = select.select(self._sources(), [], [], left)
            self._hear_keys()
            if self._orders.fileno() in ready:
                self._orders.readline()
                return True
            if not left:
                return False

    def _sources(self) -> list[int]:
        return [self._orders.fileno(), self._canvas.x.fileno()]

    def _hear_keys(self) -> None:
        for code, _ in self._canvas.x.events_here():
            if code == EventCode.KEY_PRESS and self._presses is not None:
                self._presses += 1
                self._canvas.x.send(*self._marker())

    def _marker(self) -> list[bytes]:
        if self._presses is None:
            return []
        return self._canvas.fill(MARKER_COLOURS[self._presses % 2], MARKER_AREA)


if __name__ == "__main__":
    stage = Stage(int(sys.argv[1]), Path(sys.argv[2]))
    print("open", flush=True)
    stage.listen()
