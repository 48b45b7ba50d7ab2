"""A simulated link with a browser at its end, to drive a pacer through; its clock is a number."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from webvdi.managed.pacing import Allowance, Pacer

Rate: TypeAlias = Callable[[float], float]
"""Bytes a second that the link carries at a time."""


def steady(rate: float) -> Rate:
    return lambda _: rate


@dataclass(frozen=True, slots=True)
class Shown:
    """One update that was drawn; all times in seconds."""

    update: int
    size_bytes: int
    captured: float
    sent: float
    passed: float
    """When its last byte left the narrowest part of the link."""
    drawn: float

    @property
    def age_s(self) -> float:
        """Of its pixels when they were seen."""
        return self.drawn - self.captured


@dataclass
class Browser:
    """Draws updates one by one, and acknowledges each, or the last of those it draws at once."""

    draw_s: float = 0.004
    frame_s: float = 0.0
    """Where it draws only at the bounds of frames: their length."""
    blocks: bool = False
    """Whether it notes arrivals only between drawings."""
    skips: bool = False
    """Whether what waits is drawn, and acknowledged, together."""
    jitter_s: float = 0.0
    """Up to so much passes until it begins with something."""
    told_late_s: tuple[float, float] = (0.0, 0.0)
    """What passes from a drawing until its word leaves, at least and at most; it knows nothing of
    that itself: schedulers, event loops, proxies."""


@dataclass
class Simulation:
    """Sends through a pacer for as long as :meth:`run` says.

    ``wanted`` tells how many bytes there are to send at a time, under an allowance (0: none yet).
    """

    rate: Rate
    round_trip_s: float
    browser: Browser = field(default_factory=Browser)
    wanted: Callable[[float, Allowance], int] = lambda _, allowance: allowance.size_bytes
    encode_s: float = 0.0
    look_every_s: float = 1 / 60
    """How often there may be something new, where there was nothing."""
    seed: int = 1
    pacer: Pacer = field(default_factory=Pacer)
    now: float = 0.0
    shown: list[Shown] = field(default_factory=list)
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._number = 0
        self._encoding = False
        self._free = 0.0
        """When the link has passed everything."""
        self._busy = False
        self._arrived: deque[tuple[Shown, float]] = deque()
        self._told = 0.0
        """When the last word came; they come in order."""
        self._woken_at = -1.0

    def at(self, when: float, do: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, do))

    def run(self, seconds: float) -> "Simulation":
        end = self.now + seconds
        self._offer()
        while self._events and self._events[0][0] <= end:
            self.now, _, do = heapq.heappop(self._events)
            do()
        self.now = end
        return self

    # ---- the sender

    def _offer(self) -> None:
        """Send if the pacer lets us and there is something; else look again when it may be."""
        if self._encoding:
            return
        if not self.pacer.may_send(self.now):
            due = self.pacer.due(self.now)
            if due is not None:
                self._wake(due)
            return
        size = self.wanted(self.now, self.pacer.allowance(self.now))
        if not size:
            self._wake(self.now + self.look_every_s)
            return
        self._encoding = True
        captured = self.now
        self.at(self.now + self.encode_s, lambda: self._send(size, captured))

    def _wake(self, when: float) -> None:
        assert when > self.now
        if self._woken_at <= self.now or when < self._woken_at:
            self._woken_at = when
            self.at(when, self._offer)

    def _send(self, size: int, captured: float) -> None:
        self._encoding = False
        self._number += 1
        self.pacer.sent(self._number, size, self.now, began=captured)
        self.most_in_flight = max(self.most_in_flight, self.pacer.in_flight)
        self._free = self._pass(max(self._free, self.now), size)
        one = Shown(self._number, size, captured, self.now, self._free, 0.0)
        self.at(self._free + self.round_trip_s / 2, lambda: self._arrive(one))
        self._offer()

    def _pass(self, start: float, size: int) -> float:
        """When *size* bytes that begin at *start* have left; the rate is looked at each 5 ms."""
        step, left = 0.005, float(size)
        while left > (passes := self.rate(start) * step):
            left -= passes
            start += step
        return start + left / self.rate(start)

    # ---- the browser

    def _arrive(self, one: Shown) -> None:
        self._arrived.append((one, self.now))
        if not self._busy:
            self._begin()

    def _begin(self) -> None:
        if not self._arrived:
            self._busy = False
            return
        self._busy = True
        browser = self.browser
        batch = list(self._arrived) if browser.skips else [self._arrived[0]]
        for _ in batch:
            self._arrived.popleft()
        begun = self.now
        done = begun + browser.draw_s + self._random.random() * browser.jitter_s
        if browser.frame_s:
            done = (done // browser.frame_s + 1) * browser.frame_s
        noted = begun if browser.blocks else batch[-1][1]
        self.at(done, lambda: self._draw([one for one, _ in batch], noted))

    def _draw(self, batch: list[Shown], noted: float) -> None:
        for one in batch:
            drawn = (one.update, one.size_bytes, one.captured, one.sent, one.passed, self.now)
            self.shown.append(Shown(*drawn))
        cost = round((self.now - noted) * 1000)
        number = batch[-1].update
        waiting = 0 if self.browser.blocks else len(self._arrived)
        least, most = self.browser.told_late_s
        late_s = least + (most - least) * self._random.random() if most else 0.0
        self._told = max(self._told, self.now + late_s + self.round_trip_s / 2)
        self.at(self._told, lambda: self._acked(number, cost, waiting))
        self._begin()

    def _acked(self, number: int, cost: int, waiting: int) -> None:
        self.pacer.acked(number, cost, waiting, self.now)
        self._offer()

    # ---- what came of it

    def since(self, when: float) -> list[Shown]:
        """What was drawn after *when*."""
        return [one for one in self.shown if one.drawn >= when]

    def use(self, when: float) -> float:
        """The share of the link that was used from *when* on."""
        first = [one for one in self.shown if one.passed >= when]
        last = first[-1].passed
        could = self._capacity(first[0].passed, last)
        return sum(one.size_bytes for one in first[1:]) / could

    def _capacity(self, start: float, end: float) -> float:
        step, could = 0.005, 0.0
        while start < end:
            could += self.rate(start) * min(step, end - start)
            start += step
        return could

    def ages(self, when: float) -> list[float]:
        """Ages of what was drawn from *when* on, sorted."""
        return sorted(one.age_s for one in self.since(when))


def each_frame(sizes: Iterator[int], frame_s: float = 1 / 60) -> Callable[[float, Allowance], int]:
    """What is wanted of a screen that changes with each frame: the next of *sizes*, once."""
    seen = -1

    def wanted(now: float, _: Allowance) -> int:
        nonlocal seen
        frame = int(now / frame_s)
        if frame == seen:
            return 0
        seen = frame
        return next(sizes)

    return wanted


def mixed(least: int, most: int, *, large: Sequence[int] = (), every: int = 0) -> Iterator[int]:
    """Sizes between *least* and *most*; each *every*-th is of *large*, in turns."""
    any_size = random.Random(3)
    turns = itertools.cycle(large)
    for number in itertools.count(1):
        is_large = large and number % every == 0
        yield next(turns) if is_large else any_size.randint(least, most)


def share(values: Sequence[float], part: float) -> float:
    """The value below which *part* of the sorted *values* lie."""
    return values[min(int(part * len(values)), len(values) - 1)]
