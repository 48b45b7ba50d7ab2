"""The browser's own viewer code as a test's viewer: real decoders, real screen, under node.

``node_viewer.js`` is the other half; the canvas is ``@napi-rs/canvas`` (Skia, as Chromium's).
"""

import json
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from support.viewer import Rgb

NODE = Path(sys.executable).with_name("node")
PROGRAM = Path(__file__).with_suffix(".js")


@dataclass(frozen=True, slots=True)
class Shown:
    """How a viewer under node stands."""

    width: int
    height: int
    drawn: int
    """The last update drawn: all before it are."""
    acks: int
    lossy_share: float
    """What the viewer believes of its picture: 0 where it is exact."""
    error: str | None
    """Why it would have ended its connection."""


class NodeViewer:
    """A process that is one viewer after the other; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [NODE, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def fresh(self) -> None:
        """Be a new viewer: without picture, cache or connection."""
        self._ask(b"N")

    def take(self, data: bytes) -> None:
        """A message from the session.  Pictures are decoded meanwhile."""
        self._ask(b"M" + data)

    def frame(self) -> None:
        """The page's next frame comes: what waits for it is drawn."""
        self._ask(b"F")

    def see(self, *, seen: bool) -> None:
        """The page is seen, and drawing waits for frames; or it is not, as at first."""
        self._ask(b"S" if seen else b"H")

    def lose(self) -> Shown:
        """Lose the connection: what is not drawn by now never will be."""
        self._ask(b"L", at_once=True)
        return self._answer()[0]

    def shown(self) -> tuple[Shown, Rgb]:
        """How it stands when all is drawn, or an error has ended it; and the picture."""
        self._ask(b"P", at_once=True)
        return self._answer()

    def picture(self) -> Rgb:
        """The picture when all is drawn; fails where the viewer did."""
        shown, rgb = self.shown()
        assert shown.error is None, shown.error
        return rgb

    def close(self) -> None:
        """End the process."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def _ask(self, request: bytes, *, at_once: bool = False) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack(">I", len(request)) + request)
        if at_once:
            self._process.stdin.flush()

    def _answer(self) -> tuple[Shown, Rgb]:
        told: dict[str, Any] = json.loads(self._read())
        told["lossy_share"] = told.pop("lossyShare")
        shown = Shown(**told)
        rgba = np.frombuffer(self._read(), np.uint8)
        if not len(rgba):
            return shown, np.zeros((0, 0, 3), np.uint8)
        rgb: Rgb = rgba.reshape(shown.height, shown.width, 4)[:, :, :3]
        return shown, rgb

    def _read(self) -> bytes:
        assert self._process.stdout is not None
        head = self._process.stdout.read(4)
        assert len(head) == 4, "node has ended; stderr says why"
        return self._process.stdout.read(int.from_bytes(head, "big"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
