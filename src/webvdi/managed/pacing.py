"""How much may be under way to a viewer: arithmetic on acknowledgements.

Each update is acknowledged when it is drawn.  From the acks come the best round trip seen lately
and the rate at which bytes arrive; what may be in flight is what keeps the link busy for one
round trip, and little more, so that the newest pixels never wait behind old ones.
"""

from collections import deque
from dataclasses import dataclass

MAX_UPDATES = 4
"""Updates in flight: one being drawn, one being decoded, two on a long link."""

MIN_BUDGET_BYTES = 32 << 10
MAX_BUDGET_BYTES = 8 << 20

_FIRST_RATE = 4e6
"""Bytes a second until measured: an ordinary home link."""

_SLACK_S = 0.05
"""Beyond a round trip: the browser's own time to decode and draw."""

_SMOOTHING = 0.25
"""Weight of the newest sample in the running rate."""

_ROUND_TRIP_MEMORY_S = 10.0
"""The best round trip is forgotten after this; links change."""

_RATE_SAMPLE_BYTES = 8 << 10
"""Smaller updates say nothing of the rate: their time is all round trip."""


@dataclass(slots=True)
class _Flight:
    update: int
    size_bytes: int
    sent: float


class Pacer:
    """The in-flight budget of one viewer."""

    def __init__(self) -> None:
        self._flights: deque[_Flight] = deque()
        self._rate = _FIRST_RATE
        self._round_trip_s = 0.1
        self._round_trip_seen = float("-inf")
        self._last_ack = float("-inf")

    @property
    def in_flight(self) -> int:
        """Updates sent and not acknowledged."""
        return len(self._flights)

    @property
    def round_trip_s(self) -> float:
        """Best time from sending to the ack, lately."""
        return self._round_trip_s

    @property
    def rate(self) -> float:
        """Bytes a second that reach the viewer when much is sent."""
        return self._rate

    @property
    def budget_bytes(self) -> int:
        """Bytes that may be in flight."""
        wanted = self._rate * (self._round_trip_s + _SLACK_S)
        return int(min(max(wanted, MIN_BUDGET_BYTES), MAX_BUDGET_BYTES))

    def may_send(self) -> bool:
        """Whether another update may go now.  With nothing in flight it always may."""
        if not self._flights:
            return True
        under_way = sum(f.size_bytes for f in self._flights)
        return len(self._flights) < MAX_UPDATES and under_way < self.budget_bytes

    def sent(self, update: int, size_bytes: int, now: float) -> None:
        """An update went out."""
        self._flights.append(_Flight(update, size_bytes, now))

    def acked(self, update: int, now: float) -> None:
        """All updates up to *update* are drawn."""
        arrived = 0
        first_sent: float | None = None
        while self._flights and self._flights[0].update <= update:
            flight = self._flights.popleft()
            arrived += flight.size_bytes
            first_sent = flight.sent if first_sent is None else first_sent
            self._note_round_trip(now - flight.sent, now)
        if first_sent is not None:
            self._note_rate(arrived, now - max(first_sent, self._last_ack))
            self._last_ack = now

    def reset(self) -> None:
        """Nothing is in flight any more: the connection was replaced."""
        self._flights.clear()

    def _note_round_trip(self, sample_s: float, now: float) -> None:
        if sample_s <= self._round_trip_s or now - self._round_trip_seen > _ROUND_TRIP_MEMORY_S:
            self._round_trip_s = sample_s
            self._round_trip_seen = now

    def _note_rate(self, size_bytes: int, took_s: float) -> None:
        if size_bytes < _RATE_SAMPLE_BYTES or took_s <= 0:
            return
        self._rate += _SMOOTHING * (size_bytes / took_s - self._rate)
