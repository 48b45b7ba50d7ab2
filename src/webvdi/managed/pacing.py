"""When the next update may go to a viewer, and how large: arithmetic on acknowledgements.

Theory of operation.  An update passes two places one at a time: the narrowest part of the link,
at the rate that :mod:`~webvdi.managed.throughput` knows, and the browser, which acknowledges what
it has drawn, with the time from arrival to drawn.  For each update under way the pacer keeps when
it will have left either; what has come true corrects what is still expected.  The next one may go
when it would wait a little (``LEAD_S``) at the busier of the two places: that keeps both at work,
and the newest pixels from ageing in a queue.  Nothing goes while an acknowledgement is overdue,
for then the link has become slower than is known.

As long as no queue has shown what the link carries at most, the rate is only what was seen to
pass: nothing is held back for long, nor shown poorly, on account of it.

An update should take the link no longer than ``SHARE_S``: a key's echo never waits longer than
that behind a picture.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from webvdi.managed.throughput import Throughput, Train

MAX_RATE_HZ: Final = 72
"""Updates in a second that a link may be full of: no browser shows more."""

MAX_UPDATES: Final = 24
"""In flight however long the link is; each is remembered until it is acknowledged."""

SHARE_S: Final = 0.06
"""How long one update may take the link."""

_FULL_SHARE_BYTES: Final = 60e3
"""Larger updates take less of the time: the fewer bytes are lost to a link that becomes slow."""

MIN_SIZE_BYTES: Final = 16 << 10
"""An update may always be so large: of less, its overhead would be the better part."""

_MAX_EXCESS: Final = 4.0
"""Contents are guessed before they are encoded; a guess is hardly more wrong than this."""

MAX_SIZE_BYTES: Final = 512 << 10
"""More is not lost to a link that becomes slow all at once, nor do fast links differ then."""

QUALITIES: Final = (30, 36, 44, 52, 60, 68, 76, 84, 92)
"""JPEG qualities are steps, so that like viewers come to share what is encoded."""

_QUALITY_MARGIN: Final = 5.0
"""How far from a quality the wanted one must be for another: more than half a step."""

FIRST_QUALITY: Final = 68
"""Until the link is known."""

LEAD_S: Final = 0.015
"""How long an update may wait before it passes the link, so that the link is never idle."""

_UNPROVEN_S: Final = 0.03
"""How long, or for a round trip, an update is thought to fill a link that nothing shows full."""

DRAW_LEAD_S: Final = 0.008
"""How long it may wait in the browser."""

OVERDUE_S: Final = 0.03
"""How late an acknowledgement may be, beyond the jitter, before nothing more is sent."""

_OVERDUE_DEVIATIONS: Final = 4
"""So many mean deviations later still it may be: as in TCP's time-out (RFC 6298)."""

_MAX_UNSTEADY_S: Final = 0.1
"""More of it is not allowed for."""

FIRST_BYTES: Final = 8 << 10
"""May be under way before the first acknowledgements: less than any TCP sends at once."""

_FIRST_TRAINS: Final = 3
"""So many trains, at most, until more than one update goes at once."""

_BASE_JITTER_S: Final = 0.006
"""Event loops, both ends' milliseconds."""

_FIRST_MAKING_S: Final = 0.008
"""What it takes to make an update, until known."""

_MAX_MAKING_S: Final = 0.05
"""More of it is not made up for by beginning earlier."""

_FIRST_COST_S: Final = 0.016
_MAX_COST_S: Final = 0.2
"""The browser's time for an update: until known, and the most that is believed."""

_WEIGHT: Final = 0.25
"""Of the newest update in such running means."""

_PROBE_EVERY_S: Final = 1.0
"""How often a larger update asks for more than the link is known to carry, in vain."""


@dataclass(slots=True)
class _Flight:
    update: int
    size_bytes: int
    sent: float
    alone: bool
    probe: bool
    left: float
    """When it has left the narrowest part of the link, as things are known."""
    drawn: float
    """When it is acknowledged, as things are known."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the next update should be like."""

    size_bytes: int
    """It should stay below this; steps of √2, so that like viewers get the like."""
    quality: int
    """JPEG quality that the link affords, one of ``QUALITIES``."""


class Pacer:
    """The pacing of one viewer; *now* is monotonic seconds."""

    def __init__(self) -> None:
        self._flights: deque[_Flight] = deque()
        self._link = Throughput()
        self._making_s = _FIRST_MAKING_S
        self._cost_s = _FIRST_COST_S
        self._excess = 1.0
        """How many times larger than was allowed updates become, lately; at least 1."""
        self._late_s = self._unsteady_s = 0.0
        """How late acknowledgements are on average, and how far from that each."""
        self._behind = False
        """Whether updates wait in the browser for their turn."""
        self._last_ack = float("-inf")
        self._last_arrival = float("-inf")
        self._quality = FIRST_QUALITY
        self._probing = False
        """Whether the next update may be larger than the rate warrants."""
        self._probe_after = float("-inf")

    # ------------------------------------------------------------ what is known

    @property
    def in_flight(self) -> int:
        """Updates sent and not acknowledged."""
        return len(self._flights)

    @property
    def round_trip_s(self) -> float:
        """The best lately, without the browser's own time; 0 while it is not known."""
        return self._link.round_trip_s

    @property
    def rate(self) -> float:
        """Bytes a second that the link carries, as far as is known."""
        return self._link.rate

    # ------------------------------------------------------------ what may go

    def may_send(self, now: float) -> bool:
        """Whether another update may go now.  With nothing in flight it always may."""
        return not self._flights or (not self._waits_for_ack(now) and now >= self._room_at())

    def due(self, now: float) -> float | None:
        """When :meth:`may_send` becomes true without an acknowledgement.

        None if it is true already, or if only an acknowledgement can make it so.
        """
        if not self._flights or self._waits_for_ack(now):
            return None
        at = self._room_at()
        return None if now >= at or self._waits_for_ack(at) else at

    def opens(self, now: float) -> float:
        """When :meth:`may_send` is likely to become true; *now* if it is.

        An acknowledgement is presumed to come when it should; one that is late, to be as late
        again, so that of a viewer that is stalled less and less is expected.
        """
        if self.may_send(now):
            return now
        at = self.due(now)
        return now + abs(self._flights[0].drawn - now) if at is None else at

    def allowance(self, now: float) -> Allowance:
        """What the next update should be like."""
        size = self._fair_bytes()
        if self._link.trains == 0 or self._link.round_trip_is_old(now):
            size /= 4  # the smaller, the better it measures the round trip
        elif self._probing:
            size *= 1.5
        size = max(size / self._excess, MIN_SIZE_BYTES / 4)
        step = math.floor(2 * math.log2(size))
        return Allowance(int(2 ** (step / 2)), self._quality)

    def _waits_for_ack(self, now: float) -> bool:
        """Whether only an acknowledgement can let the next update go."""
        flights = self._flights
        on_the_way_s = self.round_trip_s + self._passage_s(flights[-1].size_bytes)
        most = min(2 + int(on_the_way_s * MAX_RATE_HZ), MAX_UPDATES)
        if len(flights) >= most or self._behind or self._link.round_trip_is_old(now):
            return True
        unsteady_s = min(_OVERDUE_DEVIATIONS * self._unsteady_s, _MAX_UNSTEADY_S)
        if now > flights[0].drawn + self._jitter_s + OVERDUE_S + unsteady_s:
            return True
        if self._link.trains >= _FIRST_TRAINS:
            return False
        return sum(flight.size_bytes for flight in flights) > FIRST_BYTES

    def _room_at(self) -> float:
        """When another update may be begun that would then wait for the lead alone."""
        last = self._flights[-1]
        # The next one is like it, as far as anybody knows.
        arrives = last.drawn - self.round_trip_s - self._passage_s(last.size_bytes)
        return max(last.left - LEAD_S, arrives - DRAW_LEAD_S) - self._making_s

    def _passage_s(self, size_bytes: int) -> float:
        """How long so much takes the link."""
        passage_s = size_bytes / self.rate
        if not self._link.is_limit:
            return min(passage_s, max(self.round_trip_s, _UNPROVEN_S))
        return passage_s

    def _fair_bytes(self) -> float:
        size = self.rate * SHARE_S
        if size > _FULL_SHARE_BYTES:
            size = _FULL_SHARE_BYTES * (size / _FULL_SHARE_BYTES) ** 0.75
        return min(max(size, MIN_SIZE_BYTES), MAX_SIZE_BYTES)

    @property
    def _jitter_s(self) -> float:
        """A browser that is at work notes arrivals late, by as much as that work takes."""
        return _BASE_JITTER_S + self._cost_s

    # ------------------------------------------------------------ what went, and arrived

    def sent(self, update: int, size_bytes: int, now: float, *, began: float | None = None) -> None:
        """An update went out; *began* is when it was, with the leave to send it."""
        if began is not None:
            self._making_s += _WEIGHT * (min(now - began, _MAX_MAKING_S) - self._making_s)
        alone, probe = not self._flights, self._probing
        if not probe:
            self._note_excess(size_bytes)
        self._probing = False
        flight = _Flight(update, size_bytes, now, alone, probe, now, now)
        if alone:
            self._expect(flight, now, now)
        else:
            last = self._flights[-1]
            self._expect(flight, last.left, last.drawn)
        self._flights.append(flight)

    def _note_excess(self, size_bytes: int) -> None:
        excess = size_bytes * self._excess / self._fair_bytes()
        self._excess += _WEIGHT * (min(max(excess, 1.0), _MAX_EXCESS) - self._excess)

    def _expect(self, flight: _Flight, left: float, drawn: float) -> None:
        """*left* and *drawn* are those of the one before."""
        flight.left = max(flight.sent, left) + self._passage_s(flight.size_bytes)
        flight.drawn = max(flight.left + self.round_trip_s, drawn) + self._cost_s

    def acked(self, update: int, cost_ms: int, waiting: int, now: float) -> None:
        """All updates up to *update* are drawn.

        The last of them was *cost_ms* in the browser, where *waiting* more have arrived.
        """
        done = []
        while self._flights and self._flights[0].update <= update:
            done.append(self._flights.popleft())
        if not done:
            return
        last = done[-1]
        cost_s = min(max(cost_ms, 0) / 1000, now - last.sent)
        self._note_cost(cost_s, now)
        self._behind = waiting > 1
        arrived = max(now - cost_s, self._last_arrival)
        self._last_ack, self._last_arrival = now, arrived
        size = sum(flight.size_bytes for flight in done)
        self._learn(
            Train(size, done[0].sent, arrived, last.size_bytes, last.sent, last.alone),
            last.probe,
        )
        self._note_lateness(now - last.drawn)
        # As far as they are always late by now more, now less, the link was done when expected.
        left = arrived - self.round_trip_s
        left = max(left - min(self._unsteady_s, _MAX_UNSTEADY_S), min(left, last.left))
        drawn = now
        for flight in self._flights:
            self._expect(flight, left, drawn)
            left, drawn = flight.left, flight.drawn

    def _note_cost(self, cost_s: float, now: float) -> None:
        """The browser's time for this update alone: it began with it once the last was drawn."""
        own_s = min(cost_s, now - self._last_ack, _MAX_COST_S)
        self._cost_s += _WEIGHT * (own_s - self._cost_s)

    def _note_lateness(self, late_s: float) -> None:
        late_s = min(late_s, _MAX_COST_S)
        self._late_s += _WEIGHT * (late_s - self._late_s)
        self._unsteady_s += _WEIGHT * (abs(late_s - self._late_s) - self._unsteady_s)

    def _learn(self, train: Train, probe: bool) -> None:
        before, filled = self.rate, train.last_size_bytes > 0.7 * self._fair_bytes()
        self._link.arrived(train, self._jitter_s)
        if probe and self.rate < 1.1 * before:
            self._probe_after = train.arrived + _PROBE_EVERY_S
        # The link was idle although there was enough to send: perhaps it carries more.
        self._probing = filled and self._link.ran_dry and train.arrived >= self._probe_after
        if self._link.trains >= _FIRST_TRAINS:
            self._choose_quality()

    def _choose_quality(self) -> None:
        """8 Mbit/s: 60; 1 Mbit/s: 35; 100 Mbit/s: 90."""
        wanted = 60 + 12 * math.log(self.rate / 1e6)
        if not self._link.is_limit:
            wanted = max(wanted, FIRST_QUALITY)  # it merely was not asked to carry more
        wanted = min(max(wanted, QUALITIES[0]), QUALITIES[-1])
        if wanted < self._quality - _QUALITY_MARGIN:
            # One step at a time: mostly it is but something that kept one update.
            self._quality = QUALITIES[QUALITIES.index(self._quality) - 1]
        elif wanted > self._quality + _QUALITY_MARGIN:
            self._quality = min(QUALITIES, key=lambda quality: abs(quality - wanted))

    def reset(self) -> None:
        """Nothing is in flight any more: the connection was replaced."""
        self._flights.clear()
        self._link.reconnected()
        self._behind = self._probing = False
