"""Simulated links: the ways between a browser and a gateway that the workloads are run on."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SEGMENT_BYTES = 1448
"""What TCP puts into an Ethernet frame (RFC 9293 §3.7.1, with time stamps)."""

TICK_S = 0.001
"""On fast links segments travel together, as many as pass in this time; else they would be too many
for a program in user space."""


@dataclass(frozen=True, slots=True)
class Link:
    """A way with the same rate and length in both directions."""

    name: str
    round_trip_s: float
    rate: float
    """Bytes a second."""
    queue_bytes: int
    """What waits before the line at most; who sends more is made to wait, as a full queue does."""

    @property
    def one_way_s(self) -> float:
        """Without waiting and without the bytes' own time on the line."""
        return self.round_trip_s / 2

    @property
    def burst_bytes(self) -> int:
        """What travels as one."""
        return max(SEGMENT_BYTES, int(self.rate * TICK_S))

    def __str__(self) -> str:
        rate, queue = self.rate * 8 / 1e6, self.queue_bytes >> 10
        return f"{self.round_trip_s * 1e3:g} ms round trip, {rate:g} Mbit/s, {queue} KiB of queue"


def _link(name: str, round_trip_ms: float, mbit: float) -> Link:
    """With a queue of a tenth of a second, as routers have it, but of 64 KiB to 1 MiB."""
    rate = mbit * 1e6 / 8
    queue = min(1 << 20, max(64 << 10, int(rate / 10)))
    return Link(name, round_trip_ms / 1e3, rate, queue)


LINKS = {
    link.name: link
    for link in (
        _link("lan", 1, 1000),
        _link("20ms", 20, 50),
        _link("80ms", 80, 8),
        _link("300ms", 300, 1),
    )
}


class UnknownLink(ValueError):
    """A name that no link has; the message says which there are."""


def links_named(text: str) -> list[Link]:
    """Those of a list like ``lan,80ms``.  Raises :class:`UnknownLink`."""
    names = text.split(",")
    for name in names:
        if name not in LINKS:
            raise UnknownLink(f"there is no link {name!r}; there are {', '.join(LINKS)}")
    return [LINKS[name] for name in names]


class Lane(Generic[T]):
    """One direction of a link: a bounded queue, a line of fixed rate, a way of fixed length.

    Pure: every question comes with the time, in seconds that never go back.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._line_free_at = 0.0
        """When the line will have taken all that was put in so far."""
        self._under_way: deque[tuple[float, T, bytes]] = deque()
        """When it arrives, for whom, what; in this order."""

    def waiting(self, now: float) -> float:
        """Bytes that the line has not taken yet."""
        return max(0.0, self._line_free_at - now) * self.link.rate

    def room(self, now: float) -> int:
        """Bytes that may be put in now."""
        return max(0, round(self.link.queue_bytes - self.waiting(now)))

    def room_at(self) -> float:
        """When there is, or was, room for a burst."""
        full = self.link.queue_bytes - self.link.burst_bytes
        return self._line_free_at - full / self.link.rate

    def put(self, receiver: T, data: bytes, now: float) -> None:
        """Send *data* on its way; no bytes say the end.  Raises ValueError without room for it."""
        if len(data) > self.room(now):
            raise ValueError(f"{len(data)} bytes where there is room for {self.room(now)}")
        for part in _parts(data, self.link.burst_bytes):
            self._line_free_at = max(self._line_free_at, now) + len(part) / self.link.rate
            arrives_at = self._line_free_at + self.link.one_way_s
            self._under_way.append((arrives_at, receiver, part))

    def arrived(self, now: float) -> Iterator[tuple[T, bytes]]:
        """What has come out at the other end, once; in the order in which it went in."""
        while self._under_way and self._under_way[0][0] <= now:
            _, receiver, part = self._under_way.popleft()
            yield receiver, part

    def next_at(self) -> float | None:
        """When something will arrive."""
        return self._under_way[0][0] if self._under_way else None


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    if not data:
        yield data
    for start in range(0, len(data), size):
        yield data[start : start + size]
