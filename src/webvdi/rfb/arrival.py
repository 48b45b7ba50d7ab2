"""Whether pixels come as slowly as from a far host, though the server seems to be on this one.

A loopback port may be the near end of a tunnel.  What a server here writes arrives as fast as it
is read (TigerVNC: 800 MB/s); what comes through a tunnel, as fast as the worst part of its way.
So it is counted how long we wait *inside* of updates, beyond what a way of
:data:`MIN_BYTES_PER_S` would take.  Between updates a server may be silent for as long as it likes.

A busy host must not be taken for a far one, since compressed pixels cost both sides more time:

- Time is *idle time*: seconds in which the reading thread was not running.  Our own work, on
  these pixels or for others, does not count against the server.
- One wait counts for :data:`MAX_WAIT_S` at most, however long it was: a server that stood still
  (its host swapped, somebody stopped it) is not slow.
- What comes fast makes up for waits before it.
"""

from typing import Final

MIN_BYTES_PER_S: Final = 32 << 20
"""About a quarter of what a gigabit line carries: a picture of 1920x1080 takes 0.25 s."""

MAX_WAIT_S: Final = 0.05
"""The most that one wait counts: much for a busy host, not much for a way across the world."""

PATIENCE_S: Final = 0.2
"""So much later than by a good way, and pixels come slowly.

Measured with 1920x1080 from TigerVNC and x11vnc on two cores: up to 0.05 s beside six busy
processes, up to 0.11 s beside four threads that compete with the reading one for the interpreter.
"""


class Arrival:
    """Watches the reads of one link; ``now`` is in seconds of idle time."""

    def __init__(self) -> None:
        self._last = 0.0
        """When the last read was."""
        self._size = 0
        """Bytes that came inside of updates since everything was in time."""
        self._waited_s = 0.0
        """How long they were waited for."""

    def read(self, size: int, now: float, *, updating: bool) -> None:
        """Note that *size* bytes came, after a part of an update or (not *updating*) of none.

        What an update begins with was waited for because nothing happened: it does not count.
        """
        waited_s, self._last = now - self._last, now
        if not updating:
            return
        self._size += size
        self._waited_s += min(waited_s, MAX_WAIT_S)
        if self._late_s <= 0:
            self._size, self._waited_s = 0, 0.0

    @property
    def _late_s(self) -> float:
        return self._waited_s - self._size / MIN_BYTES_PER_S

    @property
    def slow(self) -> bool:
        """Whether pixels come slowly."""
        return self._late_s > PATIENCE_S

    @property
    def bytes_per_s(self) -> float:
        """How fast they came lately, if they are ``slow``; below :data:`MIN_BYTES_PER_S`.

        Roughly: it is less if there were waits beyond :data:`MAX_WAIT_S`.
        """
        return self._size / self._waited_s
