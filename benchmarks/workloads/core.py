"""What the session's brain costs: from pixels in the mirror to bytes for viewers, and their acks.

No browser, server or link: a ``SessionCore`` alone, with viewers that acknowledge at once.  Times
are what the processor worked (``thread_time``), without the display's writing of the mirror; what
encoders' threads do is counted apart.
"""

import argparse
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import Machine, load
from benchmarks.report import JsonLines, markdown_table
from benchmarks.workloads.framebuffer import Case, cases
from webvdi.display.source import Opened, Updated
from webvdi.framebuffer import Framebuffer
from webvdi.managed.core import SessionCore
from webvdi.managed.encodes import encoded
from webvdi.managed.messages import (
    Admission,
    Attached,
    Displayed,
    Encode,
    EncodeDone,
    Event,
    Received,
    SendTo,
    Tick,
    ViewerId,
)
from webvdi.wire.from_viewer import Ack
from webvdi.wire.to_viewer import PackedUpdate, Role, encode_to_viewer

FRAME_S = 1 / 60


@dataclass(frozen=True)
class Cost:
    """Of one case with so many viewers; a turn of the case each."""

    case: str
    viewers: int
    core_ms: float
    """From the display's word on, all acks included, with the bytes of all updates."""
    encoders_ms: float
    updates: float
    """Of each viewer."""
    update_bytes: float
    """Of each viewer."""


class Stage:
    """A core and its viewers; time is as it is told."""

    def __init__(self, case: Case, viewers: int) -> None:
        height, width = case.start.shape[:2]
        self.mirror = Framebuffer(width, height)
        self._core = SessionCore(self.mirror, "benchmark", b"secret")
        self._now = 1000.0
        self._acks: deque[tuple[ViewerId, int]] = deque()
        self._encodes: deque[Encode] = deque()
        self.core_s = self.encoders_s = 0.0
        self.updates = self.update_bytes = 0
        self._handle(Displayed(Opened(width, height, "")))
        for number in range(1, viewers + 1):
            who = Admission(Role.OWNER, "owner")
            self._handle(Attached(ViewerId(number), who, str(number)))
        self.mirror.put(self.mirror.rect, case.start.copy())
        self.turn()
        self.rest()

    def turn(self) -> None:
        """The display has written something; everybody gets and acknowledges it."""
        self._handle(Displayed(Updated()))
        while self._encodes or self._acks:
            self._encode()
            self._now += 0.001
            for _ in range(len(self._acks)):
                viewer, update = self._acks.popleft()
                self._handle(Received(viewer, Ack(update, 1)))
        self._now += FRAME_S

    def rest(self) -> None:
        """Long enough for everything to be refined and kept; that is not counted."""
        for _ in range(200):
            self._now += 0.02
            self._handle(Tick())
            while self._encodes or self._acks:
                self._encode()
                for viewer, update in list(self._acks):
                    self._acks.popleft()
                    self._handle(Received(viewer, Ack(update, 1)))
        self.core_s = self.encoders_s = 0.0
        self.updates = self.update_bytes = 0

    def _encode(self) -> None:
        while self._encodes:
            command = self._encodes.popleft()
            began = time.thread_time()
            done = encoded(command.parts, command.key.quality, command.key.thorough)
            self.encoders_s += time.thread_time() - began
            self._handle(EncodeDone(command.key, done))

    def _handle(self, event: Event) -> None:
        began = time.thread_time()
        for command in self._core.handle(event, self._now):
            match command:
                case SendTo(viewer, PackedUpdate() as update):
                    self.updates += 1
                    self.update_bytes += len(encode_to_viewer(update))
                    self._acks.append((viewer, update.update))
                case Encode():
                    self._encodes.append(command)
                case _:
                    pass
        self.core_s += time.thread_time() - began


def options(parser: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--viewers", default="1,16")
    parser.add_argument("--json", type=Path)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    width, height = map(int, arguments.size.split("x"))
    print(f"{Machine.this()}, load {load():.1f}; {width}x{height}, {arguments.turns} turns")
    lines = JsonLines(arguments.json)
    counts = [int(count) for count in arguments.viewers.split(",")]
    costs = list(_costs(width, height, counts, arguments.turns))
    for cost in costs:
        lines.write("core", asdict(cost))
    head = ["case", "viewers", "core ms", "encoders ms", "updates each", "kB each"]
    print(markdown_table(head, [_row(cost) for cost in costs]))


def _costs(width: int, height: int, counts: list[int], turns: int) -> Iterator[Cost]:
    for count in counts:
        for case in cases(width, height):
            yield _measure(case, count, turns)


def _measure(case: Case, viewers: int, turns: int) -> Cost:
    stage = Stage(case, viewers)
    stage.mirror.put(*next(case.steps))  # the case's own content appears; from now on it goes on
    stage.turn()
    stage.rest()
    for _ in range(turns):
        stage.mirror.put(*next(case.steps))
        stage.turn()
    return Cost(
        case.name,
        viewers,
        stage.core_s / turns * 1e3,
        stage.encoders_s / turns * 1e3,
        stage.updates / turns / viewers,
        stage.update_bytes / turns / viewers,
    )


def _row(cost: Cost) -> list[str]:
    return [
        cost.case,
        str(cost.viewers),
        f"{cost.core_ms:.3f}",
        f"{cost.encoders_ms:.3f}",
        f"{cost.updates:.2f}",
        f"{cost.update_bytes / 1e3:.2f}",
    ]
