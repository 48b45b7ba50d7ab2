"""Things that may be used once: a bounded memory of those that have been."""

from collections.abc import Mapping

MAX_REMEMBERED = 100_000
"""Entries; at 60-second tickets this is over 1,600 attaches a second."""


class Once:
    """Remembers ids until they expire by themselves."""

    def __init__(self, used: Mapping[str, float] | None = None) -> None:
        self._used = dict(used or {})

    def use(self, identity: str, *, expires: float, now: float) -> bool:
        """Whether this is the first use.  A full memory answers no: refuse rather than forget."""
        self._forget(now)
        if identity in self._used or len(self._used) >= MAX_REMEMBERED:
            return False
        self._used[identity] = expires
        return True

    def remembered(self) -> dict[str, float]:
        """Ids and their expiry, to be kept over a restart."""
        return dict(self._used)

    def _forget(self, now: float) -> None:
        # Ids come with nearly equal lifetimes, so the oldest are at the front.
        while self._used:
            first = next(iter(self._used))
            if self._used[first] > now:
                return
            del self._used[first]
