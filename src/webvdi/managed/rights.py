"""Rights that end: shares that are revoked, and access whose time is over."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from webvdi.managed.messages import ViewerId

EXPIRY_CHECK_S = 1.0
"""Access that ends is looked at so often: the clock on the wall may be set, the host may sleep."""

MAX_BARRED = 256
"""Resume keys of ended access, of which the oldest are forgotten; then they are unknown ones."""

REVOKED = "the link that let you in was revoked"
EXPIRED = "the time for which you were let in is over"


@dataclass(frozen=True, slots=True)
class _Access:
    resume_key: str
    share: str
    until: float


class Rights:
    """The rights of one session's viewers, attached or away."""

    def __init__(
        self, on_end: Callable[[ViewerId, str], None], clock: Callable[[], float] = time.time
    ) -> None:
        """*on_end* gets the viewer and words for its user; *clock* is seconds since the epoch."""
        self._on_end = on_end
        self._clock = clock
        self._access: dict[ViewerId, _Access] = {}
        self._barred: dict[str, str] = {}
        """Resume keys of viewers whose access ended, with the words for them."""
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, viewer: ViewerId, resume_key: str, share: str, until: float) -> None:
        """A viewer came by *share* (empty: none) until *until* (since the epoch, 0: for ever)."""
        self._access[viewer] = _Access(resume_key, share, until)
        self.check()

    def forget(self, viewer: ViewerId) -> None:
        """A viewer will not come back."""
        self._access.pop(viewer, None)

    def words_for(self, resume_key: str) -> str | None:
        """Why this key opens nothing any more; None if it is not one whose access ended."""
        return self._barred.get(resume_key)

    def revoke(self, share: str) -> None:
        """Everyone who came by *share* goes, those who are away too."""
        for viewer in [v for v, access in self._access.items() if access.share == share]:
            self._end(viewer, REVOKED)

    def check(self) -> None:
        """End what is over, and see to it that this is looked at again in time."""
        self.close()
        now = self._clock()
        for viewer in [v for v, a in self._access.items() if a.until and a.until <= now]:
            self._end(viewer, EXPIRED)
        ends = [access.until for access in self._access.values() if access.until]
        if ends:
            pause = min(EXPIRY_CHECK_S, max(0.01, min(ends) - now))
            self._timer = asyncio.get_running_loop().call_later(pause, self.check)

    def close(self) -> None:
        """Look at nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, viewer: ViewerId, words: str) -> None:
        access = self._access.pop(viewer)
        self._barred[access.resume_key] = words
        if len(self._barred) > MAX_BARRED:
            del self._barred[next(iter(self._barred))]
        self._on_end(viewer, words)
