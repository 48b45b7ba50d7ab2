"""What a link carries, told from when updates arrive: arithmetic on times that are given.

Theory of operation.  Updates pass the narrowest part of a link one behind the other, each as one
train of bytes.  A train's acknowledgement, less the time that the browser took, says when it had
*arrived* (and how long that word took to come back, which is the same for all).  Hence:

* Between two arrivals the trains behind the first passed.  So the link carries at least their
  bytes in that time, and where each of them waited behind the one before, not more either.
* A train that found the link empty was under way for the round trip and its own passage.

Arrivals are told late by a busy browser, so each such statement is an interval that allows for
``jitter_s``; over several trains the intervals become narrow.  The rate is moved only as far as it
must be to lie in them, the newest last.  Trains that are few and small thus hardly say anything,
least of all that the link is slow: a viewer who types does not lower the rate, one whose link has
become slower does within a train.

Schedulers and event loops keep a word, too, and no browser knows by how much.  How late small
trains come shows it, for it is not their bytes that keep them.  By so much the link may have been
idle already when a train seemed to wait for the one before, and any other train may be as late.
So only delay that grows with the bytes lowers the rate.

This is the idea of BBR (Cardwell et al., ACM Queue 14(5), 2016), windowed bounds of delivery rate
and round trip, for trains in place of packets.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

FIRST_RATE: Final = 250e3
"""Bytes a second until anything is known: any link in use carries this, or soon says that not."""

MIN_RATE: Final = 4e3
MAX_RATE: Final = 125e6

MAX_RUN: Final = 8
"""Trains in a row that are looked at together: half a second of a busy link."""

_TELLING_BYTES: Final = 8 << 10
"""A smaller train that comes late says nothing of the rate: anything may have kept it."""

_SMALL_BYTES: Final = 16 << 10
_SMALL_PASSAGE_S: Final = 0.01
"""A train of no more, that takes the link no longer, is small: if late, not for its bytes."""

_SCATTER_TRAINS: Final = 16
_MAX_SCATTER_S: Final = 0.04
"""What keeps small trains, at most; more of it may be a queue."""

_FAR_MORE: Final = 1.5
"""A rate so many times what a queue once said is a rate of its own."""

_HICCUP_S: Final = 0.2
"""A single train that is late by less says nothing, unless one next to it was late, too."""

_PROMPT_S: Final = 0.003
"""How much earlier than it would be the quickest train of all may seem."""

_MAX_RISE: Final = 4.0
"""One train may raise the rate by so much: the first of a connection wait for TCP itself."""

_TCP_FIRST_BYTES: Final = 14600
"""What TCP sends at once after a rest; then twice as much each round trip (RFC 6928, RFC 5681)."""

_OWN_SHARE: Final = 0.5
"""Of a quickest train's own passage, what is taken off for the round trip.  All of it would be
right if the rate were; half of it keeps a wrong rate from proving itself."""

ROUND_TRIP_MEMORY_S: Final = 10.0
"""A quickest train is believed for so long; links change."""

_LONG_WAY_S: Final = 0.15
"""To measure such a round trip again the link is left idle for two of them, which is a lot."""

_AS_QUICK: Final = 1.15
"""A train that took so many times as long there, but for its bytes, spares it."""


@dataclass(frozen=True, slots=True)
class Train:
    """Updates that were acknowledged together; mostly one."""

    size_bytes: int
    sent: float
    """When the first of them was; monotonic seconds, as all times here."""
    arrived: float
    """When the acknowledgement of the last came, less what the browser took."""
    last_size_bytes: int
    last_sent: float
    alone: bool
    """Whether nothing else was under way when the last was sent."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    at: float
    size_bytes: int
    queued: bool
    """Whether it seems to have waited behind the one before."""
    idle_s: float
    """How long the link may still have been empty between: the one before may be told late."""


@dataclass(frozen=True, slots=True)
class _Quickest:
    took_s: float
    size_bytes: int
    seen: float


class Throughput:
    """Rate and round trip of one link."""

    def __init__(self) -> None:
        self.rate = FIRST_RATE
        """Bytes a second."""
        self._most: float | None = None
        """What a queue last said of the rate, at most; None: none has stood yet."""
        self._scatter: deque[tuple[float, float]] = deque(maxlen=_SCATTER_TRAINS)
        """When small trains came that waited for no large one, and how late."""
        self.trains = 0
        """How many have arrived on this connection."""
        self._arrivals: deque[_Arrival] = deque(maxlen=MAX_RUN + 1)
        self._quickest: _Quickest | None = None
        self._most_before = math.inf
        """What the last train that found the link empty said of the rate, at most."""

    def reconnected(self) -> None:
        """Another connection: the rate is a first guess for it, its round trip is not known."""
        self.trains = 0
        self._most = None
        self._scatter.clear()
        self._arrivals.clear()
        self._quickest = None
        self._most_before = math.inf

    @property
    def round_trip_s(self) -> float:
        """The best lately, of an update without bytes; 0 while it is not known."""
        quickest = self._quickest
        if quickest is None:
            return 0.0
        own = _OWN_SHARE * quickest.size_bytes / self.rate
        return max(quickest.took_s - own, quickest.took_s / 2)

    def round_trip_is_old(self, now: float) -> bool:
        """Whether it is to be measured again, by a train that finds the link empty."""
        quickest = self._quickest
        return quickest is not None and now - quickest.seen > ROUND_TRIP_MEMORY_S

    @property
    def is_limit(self) -> bool:
        """Whether the rate is as much as the link carries, and not only what was seen to pass."""
        return self._most is not None and self.rate < _FAR_MORE * self._most

    @property
    def ran_dry(self) -> bool:
        """Whether the last train found the link empty: more might have been sent."""
        return bool(self._arrivals) and not self._arrivals[-1].queued

    def arrived(self, train: Train, jitter_s: float) -> None:
        """Learn from *train*; arrivals are known to *jitter_s*."""
        self.trains += 1
        took_s = max(train.arrived - train.last_sent, 0.0)
        self._compare_with_quickest(train, took_s)
        before = self._arrivals[-1] if self._arrivals else None
        left = -math.inf if before is None else before.at - self.round_trip_s
        queued = train.sent <= left
        if before is None or not queued or before.size_bytes <= _SMALL_BYTES:
            self._note_scatter(train)
        scatter_s = self._scatter_s(train.arrived)
        jitter_s = max(jitter_s, scatter_s)
        idle_s = min(max(train.sent - (left - scatter_s), 0.0), scatter_s)
        self._arrivals.append(_Arrival(train.arrived, train.size_bytes, queued, idle_s))
        if queued:
            self._bound_by_run(jitter_s)
        else:
            self._bound_by_itself(train, jitter_s)

    def _compare_with_quickest(self, train: Train, took_s: float) -> None:
        quickest = self._quickest
        if quickest is not None and took_s >= quickest.took_s:
            more_bytes = train.last_size_bytes - quickest.size_bytes
            if more_bytes > 0:
                # They alone were the longer under way: the quickest had found the link empty.  If
                # this one had not, the link carries even more.
                least = more_bytes / (took_s - quickest.took_s + _PROMPT_S)
                self._raise_to(min(least, self.rate * _MAX_RISE))
        old = train.alone and self.round_trip_is_old(train.arrived)
        if quickest is None or took_s < quickest.took_s or old:
            self._quickest = _Quickest(took_s, train.last_size_bytes, train.arrived)
        elif self._is_as_quick(train, took_s, quickest):
            self._quickest = replace(quickest, seen=train.arrived)

    def _is_as_quick(self, train: Train, took_s: float, quickest: _Quickest) -> bool:
        """Whether the way has not become longer since: then it need not be measured again.

        While the rate may be higher than is known, the bytes explain too much.
        """
        if quickest.took_s < _LONG_WAY_S or not self.is_limit:
            return took_s == quickest.took_s
        bytes_s = max(train.last_size_bytes - quickest.size_bytes, 0) / self.rate
        return took_s - bytes_s <= _AS_QUICK * quickest.took_s

    def _note_scatter(self, train: Train) -> None:
        passage_s = train.size_bytes / self.rate
        if train.size_bytes <= _SMALL_BYTES and passage_s <= _SMALL_PASSAGE_S:
            late_s = train.arrived - train.sent - self.round_trip_s - passage_s
            self._scatter.append((train.arrived, min(max(late_s, 0.0), _MAX_SCATTER_S)))

    def _scatter_s(self, now: float) -> float:
        """How late small trains came lately: not their bytes kept them, but it may keep any."""
        while self._scatter and now - self._scatter[0][0] > ROUND_TRIP_MEMORY_S:
            self._scatter.popleft()
        late = sorted(late_s for _, late_s in self._scatter)
        # The latest of them may have met a hiccup.
        return late[-2] if len(late) > 2 else max(late, default=0.0)

    def _bound_by_itself(self, train: Train, jitter_s: float) -> None:
        """By a train that found the link empty, perhaps after a rest, when TCP begins slowly."""
        beginning_s = self.round_trip_s * math.log2(1 + train.size_bytes / _TCP_FIRST_BYTES)
        passage_s = train.arrived - self.round_trip_s - train.sent - beginning_s - jitter_s
        if train.size_bytes >= _TELLING_BYTES:
            most = train.size_bytes / passage_s if passage_s > 0 else math.inf
            self._lower_to(most if passage_s > _HICCUP_S else max(most, self._most_before))
            self._most_before = most
        self._bound_from_below(jitter_s)

    def _bound_from_below(self, jitter_s: float) -> None:
        """By what has arrived; of two arrivals the first may be told late, so of three and more."""
        sizes = 0
        newest = self._arrivals[-1].at
        for back in range(1, len(self._arrivals)):
            sizes += self._arrivals[-back].size_bytes
            if back > 1:
                elapsed_s = newest - self._arrivals[-back - 1].at
                self._raise_to(sizes / (elapsed_s + jitter_s))

    def _bound_by_run(self, jitter_s: float) -> None:
        """By the last trains that each waited behind the one before; the newest ones last."""
        self._bound_from_below(jitter_s)
        sizes, took_s, longest = 0, 0.0, (0.0, 0)
        bounds = []
        for after, before in pairwise(reversed(self._arrivals)):
            if not after.queued:
                break
            elapsed_s = max(after.at - before.at - after.idle_s, 0.0)
            sizes, took_s = sizes + after.size_bytes, took_s + elapsed_s
            longest = max(longest, (elapsed_s, after.size_bytes))
            bounds.append(_most(sizes, took_s, longest, jitter_s))
        self._lower_to(min(bounds))

    def _raise_to(self, rate: float) -> None:
        self.rate = min(max(self.rate, rate), MAX_RATE)

    def _lower_to(self, rate: float) -> None:
        if rate < _FAR_MORE * self.rate:
            self._most = rate
        self.rate = max(min(self.rate, rate), MIN_RATE)


def _most(size_bytes: int, took_s: float, longest: tuple[float, int], jitter_s: float) -> float:
    """What a link carries, at most, that was busy with so much for so long.

    The *longest* time of one train, and its size, are passed over where that tells of a faster
    link: something may have kept just that one, unless it is too long for a hiccup.
    """
    late_s = took_s - jitter_s
    most = size_bytes / late_s if late_s > 0 else math.inf
    longest_s, its_bytes = longest
    if longest_s - jitter_s > _HICCUP_S:
        return most
    others_s = took_s - longest_s
    return max(most, (size_bytes - its_bytes) / others_s if others_s > 0 else math.inf)
