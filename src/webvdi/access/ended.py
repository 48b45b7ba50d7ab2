"""Logins that were ended before their time: a bounded memory of those that were logged out."""

from collections.abc import Mapping

MAX_ENDED = 100_000
"""Entries; at 30 days a login, this is one log-out every 26 seconds."""


class Ended:
    """Remembers ids until they expire by themselves.

    Ids come in the order of logging out, not of expiring.
    """

    def __init__(self, ended: Mapping[str, float] | None = None) -> None:
        self._ended = dict(ended or {})

    def add(self, identity: str, *, expires: float, now: float) -> None:
        """Remember *identity*; a repeat changes nothing.

        A full memory makes room by forgetting what ends soonest, for that is worth least.
        """
        if identity in self._ended:
            return
        self._ended = {one: until for one, until in self._ended.items() if until > now}
        while len(self._ended) >= MAX_ENDED:
            del self._ended[min(self._ended, key=self._ended.__getitem__)]
        self._ended[identity] = expires

    def __contains__(self, identity: str) -> bool:
        return identity in self._ended

    def remembered(self) -> dict[str, float]:
        """Ids and their expiry, to be kept over a restart."""
        return dict(self._ended)
