"""Shares that open nothing any more, for as long as an older ticket may still name them."""

from webvdi.access.tickets import TICKET_LIFETIME_S

KEEP_S = 10 * TICKET_LIFETIME_S
"""Well beyond a ticket's life.  Whoever signs tickets signs none for a revoked share."""

MAX_KEPT = 10_000
"""Beyond it the oldest are forgotten."""


class Revocations:
    """Remembers them; *now* is any clock's seconds that does not go back."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, share: str, *, now: float) -> None:
        """From now on *share* opens nothing."""
        self._until.pop(share, None)
        self._until[share] = now + KEEP_S
        oldest = [s for s, until in self._until.items() if until <= now]
        excess = max(0, len(self._until) - MAX_KEPT)
        for past in {*oldest, *list(self._until)[:excess]}:
            del self._until[past]

    def __contains__(self, share: str) -> bool:
        return share in self._until
